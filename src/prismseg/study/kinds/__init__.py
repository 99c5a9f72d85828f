"""Kinds of studies, a folder each."""
