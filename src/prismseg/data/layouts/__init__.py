"""Folder layouts: each module says whether it fits a folder and lists its cases."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from prismseg.base import ConfigError, DataError
from prismseg.data.layouts import feet, folders, nnunet, pets, table
from prismseg.data.layouts.listing import Case, Listing, group_of

# In the order in which they are tried: the more special first.
LAYOUTS: dict[str, ModuleType] = {
    "table": table,
    "nnunet": nnunet,
    "pets": pets,
    "folders": folders,
    "feet": feet,
}

__all__ = ["LAYOUTS", "Case", "Listing", "group_of", "list_cases"]


def list_cases(root: Path, *, layout: str = "auto", mask_suffix: str | None = None) -> Listing:
    """List the cases of the data set at `root`, in the named layout or the first that fits.

    Raises
    ------
    ConfigError
        For an unknown layout.
    DataError
        When nothing is there, or no layout fits; the message says what was looked for.
    """
    if layout != "auto" and layout not in LAYOUTS:
        raise ConfigError(f"There is no layout {layout!r}; choose auto, {', '.join(LAYOUTS)}.")
    if not root.exists():
        raise DataError(f"There is no folder or table {root}.")
    if not root.is_dir() and root.suffix.lower() != ".csv":
        raise DataError(f"{root} is a file; name the folder of the data set, or a CSV that lists it.")
    if layout == "auto":
        layout = next((name for name, module in LAYOUTS.items() if module.fits(root)), "")
        if not layout:
            raise DataError(
                f"{root} is in no known layout. Known are: images/ beside masks/; dataset.csv with image, mask, "
                "group; nnU-Net (imagesTr, labelsTr, dataset.json); Oxford-IIIT Pet (images, annotations/trimaps); "
                "NAME.jpg beside NAME_mask.png."
            )
    listing: Listing = LAYOUTS[layout].read(root, mask_suffix)
    names = [case.id for case in listing.cases]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise DataError(f"Two cases of {root} are named {twice}; give each image a name of its own.")
    return listing
