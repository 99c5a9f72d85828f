"""Regions of the sole that are measured: sets of them by name, and regions drawn by hand."""
