"""Attention at the coarsest maps of a network, where every place looks at all others."""
