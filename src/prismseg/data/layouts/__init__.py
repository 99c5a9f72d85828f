"""Folder layouts: each says whether it fits a folder and lists its cases."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

from prismseg.base import DataError, DataNotFoundError, PrismsegError
from prismseg.base.registry import Registry
from prismseg.data.images.folder import is_hidden
from prismseg.data.layouts.listing import Case, Layout, Listing, group_of, image_files
from prismseg.data.layouts.stacks import cut_volumes

# Layouts are tried in the order of their registration: the more special ones come first.
LAYOUTS: Registry[Layout] = Registry("layout")
LAYOUTS.register(
    "table",
    "prismseg.data.layouts.table:TABLE",
    summary="dataset.csv (or any CSV) with image, mask, group[, split]",
)
LAYOUTS.register(
    "nnunet", "prismseg.data.layouts.nnunet:NNUNET", summary="nnU-Net: imagesTr, labelsTr, dataset.json"
)
LAYOUTS.register("pets", "prismseg.data.layouts.pets:PETS", summary="Oxford-IIIT Pet: images, annotations/trimaps")
LAYOUTS.register(
    "parts",
    "prismseg.data.layouts.nested.parts:PARTS",
    summary="Train/, Valid/, Test/, each with images/ and masks/class_0/ (feet-mamitas)",
)
LAYOUTS.register(
    "voc",
    "prismseg.data.layouts.voc:VOC",
    summary="Pascal VOC: JPEGImages, SegmentationClass (labelmap.txt of CVAT, class_names.txt)",
)
LAYOUTS.register(
    "coco",
    "prismseg.data.layouts.annotated.coco:COCO",
    summary="COCO: JSON with images, annotations, categories (polygons, run lengths)",
)
LAYOUTS.register(
    "cvat",
    "prismseg.data.layouts.annotated.cvat:CVAT",
    summary="CVAT for images: annotations.xml (polygons, masks, boxes, ellipses)",
)
LAYOUTS.register(
    "labelme", "prismseg.data.layouts.annotated.labelme:LABELME", summary="LabelMe: NAME.json beside NAME.jpg"
)
LAYOUTS.register(
    "cityscapes",
    "prismseg.data.layouts.nested.cityscapes:CITYSCAPES",
    summary="Cityscapes: leftImg8bit/PART/CITY, gtFine/PART/CITY",
)
LAYOUTS.register(
    "camvid",
    "prismseg.data.layouts.nested.camvid:CAMVID",
    summary="CamVid: train, trainannot, val, valannot, test, testannot with its frames",
)
LAYOUTS.register(
    "busi",
    "prismseg.data.layouts.nested.busi:BUSI",
    summary="BUSI: benign, malignant, normal with benign (1).png, benign (1)_mask.png",
)
LAYOUTS.register(
    "split",
    "prismseg.data.layouts.nested.split:SPLIT",
    summary="train/, val/, test/, each with images/ and masks/; or images/train beside masks/train",
)
LAYOUTS.register("folders", "prismseg.data.layouts.folders:FOLDERS", summary="images/ beside masks/")
LAYOUTS.register(
    "beside", "prismseg.data.layouts.beside:BESIDE", summary="NAME.jpg beside NAME_mask.png; img_7.png, mask_7.png"
)
LAYOUTS.register(
    "patients",
    "prismseg.data.layouts.nested.patients:PATIENTS",
    summary="a folder for each patient with images/ and masks/, or with NAME_mask.png beside NAME.png",
)

_FORMER_NAMES = {"feet": "beside"}  # to be removed in 0.3.0

_SHOWN = 6

__all__ = ["LAYOUTS", "Case", "Layout", "Listing", "current_name", "group_of", "list_cases", "names_its_masks"]


def current_name(layout: str) -> str:
    """Name of a layout today, with a `DeprecationWarning` for one that was renamed.

    Examples
    --------
    >>> current_name("folders")
    'folders'
    """
    if layout not in _FORMER_NAMES:
        return layout
    current = _FORMER_NAMES[layout]
    warnings.warn(
        f"The layout {layout!r} is called {current!r} since 0.2.0; the old name goes in 0.3.0.",
        DeprecationWarning,
        stacklevel=3,
    )
    return current


def list_cases(root: str | Path, *, layout: str = "auto", mask_suffix: str | None = None) -> Listing:
    """List the cases of the data set at `root`, in the named layout or the first that fits.

    Raises
    ------
    ConfigError
        For an unknown layout.
    DataError
        When nothing is there, or no layout fits; the message says what was looked for.
    """
    root = Path(root)
    layout = current_name(layout)
    if layout != "auto":
        _ = LAYOUTS[layout]  # an unknown name is refused before the disk is looked at
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
    layout = current_name(layout)
    if layout == "auto":
        layout = _find_layout(Path(root))
    return bool(layout) and LAYOUTS[layout].states_masks


def _find_layout(root: Path) -> str:
    """First layout that fits `root`, or "" where none does."""
    return next((name for name, layout in LAYOUTS.items() if layout.fits(root)), "")


def _say_near(root: Path) -> str:
    """Say what lies in a folder that no layout fits, and what can be done with it."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not is_hidden(path)]
    within = [(path.name, layout) for path in folders if (layout := _find_layout(path))]
    if len(within) == 1:
        (name, layout), *_ = within
        return f"The folder {name} in it is in one ({layout}): name {root / name}."
    lying = [f"{path.name}/ ({len(image_files(path))} pictures)" for path in folders[:_SHOWN]]
    lying += [f"{len(found)} pictures, such as {found[0].name}"] if (found := image_files(root)) else []
    more = " …" if len(folders) > _SHOWN else ""
    inside = (
        f" Folders in it are data sets of their own ({', '.join(name for name, _ in within[:_SHOWN])}): name one of them."
        if within
        else ""
    )
    return (
        f"It holds {', '.join(lying) or 'no picture'}{more}.{inside} Call the folder of images images/ and that of masks "
        "masks/, with files of the same names, or list the files in a dataset.csv with the columns image,mask,group. "
        f"Known are: {'; '.join(text for _, text in LAYOUTS.rows())}."
    )


def _list(root: Path, layout: str, mask_suffix: str | None) -> Listing:
    if layout == "auto":
        layout = _find_layout(root)
        if not layout and any(root.glob("*-idx?-ubyte*")):
            raise DataError(
                f"{root} holds IDX files, that is images with a class each and no masks (such as Fashion-MNIST). Read "
                "them with prismseg.data.open_idx; segmentation needs a mask an image."
            )
        if not layout:
            raise DataError(f"{root} is in no known layout. {_say_near(root)}")
    if mask_suffix is not None and LAYOUTS[layout].states_masks:
        raise DataError(
            f"{root} ({layout}) says itself which mask is whose; leave out the mask suffix {mask_suffix!r} "
            "(--mask-suffix none takes back what a file says)."
        )
    listing = cut_volumes(LAYOUTS[layout].read(root, mask_suffix))
    if not listing.cases:
        raise DataError(f"There is no image in {root}.")
    twice, count = Counter(case.id for case in listing.cases).most_common(1)[0]
    if count > 1:
        raise DataError(f"Two cases of {root} are named {twice}; give each image a name of its own.")
    return listing
