"""Layers on skip connections that are made of random Fourier features, and their fit to data."""
