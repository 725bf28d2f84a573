"""Speed and memory of the package beside MMPose and VideoPose3D, see ``docs/performance.md``."""
