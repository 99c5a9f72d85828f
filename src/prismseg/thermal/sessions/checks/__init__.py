"""Checks of a frame: what leaves it without numbers, and what a reader of its numbers should know."""
