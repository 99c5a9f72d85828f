"""Planted shortcuts: whether they are found, and whether training guided by relevance unlearns them."""
