"""Copies of one picture that were cut, scaled, shifted, mirrored, brightened or compressed."""

from prismseg.data.twins.portrait import portrait
from prismseg.data.twins.search import Twin, find_twins, twins_of

__all__ = ["Twin", "find_twins", "portrait", "twins_of"]
