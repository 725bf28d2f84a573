"""What every room may use.

Errors, checks of options and units, atomic files, names of files, safe pickles, decoded videos, configs and runners.
"""
