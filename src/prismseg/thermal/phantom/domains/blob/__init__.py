"""Feet as level sets of smoothly joined balls; temperatures between landmarks; a cluttered bed."""
