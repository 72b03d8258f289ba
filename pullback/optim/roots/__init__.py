"""The methods of `find_root`, a file each: `start` and a pure `step`."""
