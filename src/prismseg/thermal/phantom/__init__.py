"""Simulated thermal frames of feet with known truth: single frames without end, and whole sessions.

Where things are: `domains` generate feet and scenes, `body` knows feet, `scene` what is around them and how warm it is,
`painting` turns curves into pixels, `camera` measures and exports, `output` writes data sets. `frame`, `streams` and
`subject` put them together. Every domain and part draws from a frozen set of named numbers (`SplineParameters`,
`CameraParameters`, …).
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    deprecated={
        "draw_wild_camera": "draw_varied_camera",
        "table": "format_comparisons",
        "tile_greys": "tile_grey_images",
    },
)
