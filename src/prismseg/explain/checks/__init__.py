"""Whether maps mean something: randomised weights, reach, order."""
