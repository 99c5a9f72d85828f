"""Frames of one session over time: quality, uncertainty, changes, flags."""
