"""Output of tools/infer_video.py: files and windows."""
