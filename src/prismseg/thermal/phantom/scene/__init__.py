"""What surrounds the feet, and how warm everything is."""
