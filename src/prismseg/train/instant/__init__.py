"""Fits of the instant segmenter: statistics image by image, choices by groups left out, the folder of a run."""
