"""The figures of tools/draw_figures.py."""
