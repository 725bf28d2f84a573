"""Speed and memory compared with MMPose and VideoPose3D: a module for each part of ``docs/performance.md``."""
