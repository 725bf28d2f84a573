"""Utilities that every other folder may import.

Errors, checks of options and units, atomic files, names of files, safe pickles, decoded videos, configs and runners.
"""
