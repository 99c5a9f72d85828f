"""Decoders: the path from coarse maps back to the image, with the skips of the encoder."""
