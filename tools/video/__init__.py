"""Files and windows of tools/infer_video.py."""
