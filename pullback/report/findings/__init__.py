"""What a careful reader would notice in a run, in plain words."""
