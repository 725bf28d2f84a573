"""Is a data root sound? ``data_root.check_data`` asks, the other modules look at one kind of file each."""
