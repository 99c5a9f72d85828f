"""Statistics over cases in groups: intervals, paired differences, comparisons of methods."""
