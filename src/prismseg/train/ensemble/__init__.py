"""Ensembles of trained networks: put together, taken from runs, weighted by cases that no member has seen."""
