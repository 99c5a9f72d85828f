"""Curves, textures and the canvas on which a scene is painted."""
