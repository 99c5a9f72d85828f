"""Comparing the explanations of several networks on the same cases."""
