"""From the rows of many runs to means with intervals and comparisons of methods."""
