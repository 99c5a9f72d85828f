"""Measures of maps: where their relevance lies, and what an image seen through them does to the confidence."""
