"""Checks of maps: whether they depend on what the network has learned, and how far each layer's evidence reaches."""
