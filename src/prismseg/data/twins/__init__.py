"""Copies of one image that were cut, scaled, shifted, mirrored, brightened or compressed."""

from prismseg.data.twins.search import Twin, find_twins, find_twins_cached
from prismseg.data.twins.thumbnail import thumbnail

__all__ = ["Twin", "find_twins", "find_twins_cached", "thumbnail"]
