"""Runs on disk: folder, partition of the cases, what a network has seen, evaluation of a run."""
