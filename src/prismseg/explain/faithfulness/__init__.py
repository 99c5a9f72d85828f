"""Whether a network uses what its maps light: pixels are hidden or shown in the order of their relevance."""
