"""Copies of one image that were cut, scaled, shifted, mirrored, brightened or compressed."""

from prismseg.base.deprecation import renamed_exports
from prismseg.data.twins.search import Twin, find_twins, find_twins_cached
from prismseg.data.twins.thumbnail import thumbnail

__all__ = ["Twin", "find_twins", "find_twins_cached", "thumbnail"]

__getattr__ = renamed_exports(__name__, portrait="thumbnail", twins_of="find_twins_cached")
