"""What tools/draw_figures.py draws."""
