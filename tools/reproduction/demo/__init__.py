"""The demo's table, figures and video."""
