"""Volumes and several inputs, brought to the one image that an explanation is of."""
