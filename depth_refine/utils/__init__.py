"""What every room may use: errors, checks of options and units, atomic files, safe pickles, configs and runners."""
