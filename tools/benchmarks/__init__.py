"""Speed and memory of the package beside MMPose and VideoPose3D: a module for each part of ``docs/performance.md``."""
