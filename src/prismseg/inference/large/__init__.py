"""Prediction of images that are too large for the memory, piece by piece from the disk to the disk."""
