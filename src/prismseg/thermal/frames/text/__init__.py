"""Text files of temperatures: matrices, and exports with headings."""
