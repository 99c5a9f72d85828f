"""Compressions of TIFF files that need the package imagecodecs (extra ``slides``), and what is said without it."""

from __future__ import annotations

from pathlib import Path

import tifffile

from prismseg.base import DataError

# Of those that tifffile alone does not decode, what Pillow does with every libtiff: CCITT, LZW, JPEG, deflate, PackBits.
PILLOW_READS = frozenset({2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946})


def lacks_codec(error: Exception) -> bool:
    """Whether a page was not decoded because a package is missing, of which imagecodecs has all."""
    return isinstance(error, ImportError) or "imagecodecs" in str(error)


def missing_codec(path: Path, page: tifffile.TiffPage, what: str = "") -> DataError:
    """Say that a compression is not read here, and how it would be.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.tif"
    >>> tifffile.imwrite(path, [[1]])
    >>> with tifffile.TiffFile(path) as file:
    ...     "prismseg[slides]" in str(missing_codec(path, file.pages.first))
    True
    """
    kind = f"is {what} with" if what else "has"
    return DataError(
        f"{path} {kind} {page.compression.name} compression, which is not read without the package imagecodecs. Install "
        "it (pip install 'prismseg[slides]'), or save the image with deflate."
    )
