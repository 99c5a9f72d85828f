"""A page with every frame, its outlines and why it was refused or cautioned, to judge many pictures quickly."""
