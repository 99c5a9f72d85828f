"""Image files: which there are, what is in them, and which are the same."""
