"""Which pieces of a mask are the soles, how alike soles are, and how much of them lies outside the picture."""
