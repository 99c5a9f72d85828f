"""Doing the runs of a study, each once, and keeping their results with what they were made from."""
