"""Folder layouts: each module says whether it fits a folder and lists its cases."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

from prismseg.base import ConfigError, DataError, DataNotFoundError, PrismsegError
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

# Layouts in which no mask is found by its name, so that a suffix would be given in vain.
_NAMES_MASKS = ("table", "nnunet")

__all__ = ["LAYOUTS", "Case", "Listing", "group_of", "list_cases", "names_its_masks"]


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
        raise DataNotFoundError(f"There is no folder or table {root}.")
    if not root.is_dir() and root.suffix.lower() != ".csv":
        raise DataError(f"{root} is a file; name the folder of the data set, or a CSV that lists it.")
    try:
        return _list(root, layout, mask_suffix)
    except PrismsegError:
        raise
    except OSError as error:
        raise DataError(f"{root} cannot be listed ({error.strerror or error}); check its permissions.") from error


def names_its_masks(root: str | Path, layout: str = "auto") -> bool:
    """Whether the data at `root` state which mask is whose, so that a suffix of mask names means nothing there."""
    if layout == "auto":
        layout = next((name for name, module in LAYOUTS.items() if module.fits(Path(root))), "")
    return layout in _NAMES_MASKS


def _list(root: Path, layout: str, mask_suffix: str | None) -> Listing:
    if layout == "auto":
        layout = next((name for name, module in LAYOUTS.items() if module.fits(root)), "")
        if not layout and any(root.glob("*-idx?-ubyte*")):
            raise DataError(
                f"{root} holds IDX files, that is images with a class each and no masks (such as Fashion-MNIST). Read "
                "them with prismseg.data.open_idx; segmentation needs a mask an image."
            )
        if not layout:
            raise DataError(
                f"{root} is in no known layout. Known are: images/ beside masks/; dataset.csv with image, mask, "
                "group; nnU-Net (imagesTr, labelsTr, dataset.json); Oxford-IIIT Pet (images, annotations/trimaps); "
                "NAME.jpg beside NAME_mask.png."
            )
    if mask_suffix is not None and layout in _NAMES_MASKS:
        raise DataError(
            f"{root} ({layout}) says itself which mask is whose; leave out the mask suffix {mask_suffix!r} "
            "(--mask-suffix none takes back what a file says)."
        )
    listing: Listing = LAYOUTS[layout].read(root, mask_suffix)
    if not listing.cases:
        raise DataError(f"There is no image in {root}.")
    twice, count = Counter(case.id for case in listing.cases).most_common(1)[0]
    if count > 1:
        raise DataError(f"Two cases of {root} are named {twice}; give each image a name of its own.")
    return listing
