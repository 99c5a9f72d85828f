"""Encoders: what an architecture needs of one, those there are, and pretrained weights for them."""
