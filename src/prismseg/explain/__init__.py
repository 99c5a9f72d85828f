"""Where the evidence of each class lies in each layer: activation maps, measures, atlases, reports."""

from prismseg.explain.atlas import METHODS, Atlas
from prismseg.explain.layers import tokens_to_map

__all__ = ["METHODS", "Atlas", "tokens_to_map"]
