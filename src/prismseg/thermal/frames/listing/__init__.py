"""Which files of a folder are frames, and which frames of a file are taken."""
