"""Feet: their temperature over time, their place in the image, their territories."""
