"""`images/` beside `masks/` (or `labels/`, `annotations/` …), paired by file name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.layouts.affixes import find_addition, find_affixes
from prismseg.data.layouts.listing import Case, Layout, Listing, by_stem, image_files
from prismseg.data.layouts.roles import IMAGE_FOLDERS, MASK_FOLDERS, find_images, find_masks
from prismseg.data.layouts.several import by_annotator, child_of, further_masks, without_superpixels
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.objects import ObjectMasks


def fits(root: Path) -> bool:
    """Whether `root` has a folder of images and one of masks."""
    return find_masks(root) is not None and find_images(root) is not None


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; where the folder of masks holds a folder for each annotator, with the masks of all of them.

    Where the folder of images holds a folder for each patient, as that of masks does, each patient is a group.

    Parameters
    ----------
    root : Path
        Folder that holds both folders.
    mask_suffix : str, optional
        What mask names add to image names; by default the usual suffix that pairs most.

    Raises
    ------
    DataError
        When a folder is missing or there is no image.
    """
    images, masks = find_images(root), find_masks(root)
    if images is None or masks is None:
        raise DataError(
            f"{root} needs a folder of images ({', '.join(IMAGE_FOLDERS)}) and one of masks "
            f"({', '.join(MASK_FOLDERS)})."
        )
    if not image_files(images) and (patients := folders_of_images(images)):
        return join_groups(patients, masks, mask_suffix)
    drawn = image_files(masks)
    people = {} if drawn else {name: image_files(folder) for name, folder in folders_of_images(masks).items()}
    if not people:
        require_pictures(images, masks)
        return pair("folders", image_files(images), drawn, mask_suffix, images)
    return _join(
        [
            (name, pair("folders", image_files(images), paths, mask_suffix, images))
            for name, paths in people.items()
        ]
    )


def require_pictures(images: Path, masks: Path) -> None:
    """Refuse a folder of masks that holds a text file for each image and no picture, as YOLO's programs write it."""
    texts = {path.stem: path for path in sorted(masks.glob("*.txt"))}
    if not image_files(masks) and (
        text := next((texts[p.stem] for p in image_files(images) if p.stem in texts), None)
    ):
        raise DataError(
            f"{masks} holds text files such as {text.name} and no masks: outlines in the form of YOLO are not read. "
            "Export the annotations as COCO (JSON), or as mask pictures."
        )


def folders_of_images(folder: Path) -> dict[str, Path]:
    """Folders directly in `folder` that hold images, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and image_files(path)}


def join_groups(images: Mapping[str, Path], masks: Path, mask_suffix: str | None) -> Listing:
    """Put the images and masks of several patients, each with a folder of theirs, together; each is a group.

    Where patients have images of one name, all cases are called by their patient too.
    """
    drawn = folders_of_images(masks)
    listings = {
        name: pair(
            "folders", image_files(folder), image_files(drawn[name]) if name in drawn else [], mask_suffix, folder
        )
        for name, folder in images.items()
    }
    ids = [case.id for listing in listings.values() for case in listing.cases]
    alone = len(set(ids)) == len(ids)
    return Listing(
        "folders",
        tuple(
            replace(case, id=case.id if alone else f"{name}_{case.id}", group=name)
            for name, listing in listings.items()
            for case in listing.cases
        ),
        orphans=(
            *(path for listing in listings.values() for path in listing.orphans),
            *(path for name, folder in drawn.items() if name not in images for path in image_files(folder)),
        ),
        folders=(*images.values(), *drawn.values()),
    )


def _join(listings: list[tuple[str, Listing]]) -> Listing:
    """Put the masks of several annotators, each with the listing of theirs, together."""
    cases = []
    for same in zip(*(listing.cases for _, listing in listings), strict=True):
        drawn = tuple(
            (name, case.mask)
            for (name, _), case in zip(listings, same, strict=True)
            if isinstance(case.mask, Path)
        )
        cases.append(replace(same[0], mask=AnnotatorMasks(drawn) if drawn else None))
    return replace(
        listings[0][1],
        cases=tuple(cases),
        orphans=tuple(path for _, listing in listings for path in listing.orphans),
        folders=tuple(dict.fromkeys(folder for _, listing in listings for folder in listing.folders)),
    )


def pair(layout: str, images: list[Path], masks: list[Path], mask_suffix: str | None, folder: Path) -> Listing:
    """Pair images with the masks of the same name, but for what their names add (`prismseg.data.layouts.affixes`).

    Masks whose names end in who drew them are those of several annotators; masks that are numbered after another one of
    their image (`7_mask_1` beside `7_mask`) are joined to it, and then all are of one foreground.

    Raises
    ------
    DataError
        When there is no image, or there are masks of which none belongs to an image.
    """
    images, apart = without_superpixels(images)
    if apart:
        return _leave_out(pair(layout, images, masks, mask_suffix, folder), apart)
    people = by_annotator(masks) if mask_suffix is None else {}
    if people:
        drawn = [
            (person.strip("._- "), _pair(layout, images, paths, person, folder))
            for person, paths in people.items()
        ]
        listing = _join(drawn) if len(drawn) > 1 else drawn[0][1]
        return replace(listing, cases=tuple(replace(case, group=child_of(case.id)) for case in listing.cases))
    further = further_masks(masks)
    joined = {path for paths in further.values() for path in paths}
    listing = _pair(layout, images, [path for path in masks if path not in joined], mask_suffix, folder)
    return _with_further(listing, further) if further else listing


def _leave_out(listing: Listing, apart: list[Path]) -> Listing:
    """Say that pictures of superpixels are no images."""
    finding = Finding(
        "info",
        "superpixels",
        apart[0],
        f"{len(apart)} pictures of superpixels, such as {apart[0].name}, are no images and are left out.",
    )
    return replace(listing, findings=(*listing.findings, finding))


def _with_further(listing: Listing, further: Mapping[Path, list[Path]]) -> Listing:
    """Join masks of an image to one foreground."""
    first, more = next(iter(further.items()))
    return replace(
        listing,
        cases=tuple(
            replace(case, mask=ObjectMasks((case.mask, *further.get(case.mask, ()))))
            if isinstance(case.mask, Path)
            else case
            for case in listing.cases
        ),
        orphans=(*listing.orphans, *(path for mask in listing.orphans for path in further.get(mask, ()))),
        findings=(
            *listing.findings,
            Finding(
                "info",
                "masks joined",
                first,
                f"{len(further)} images have further masks, such as {more[0].name} beside {first.name}. They are joined: "
                "what any of them marks is foreground. If they are of several annotators or classes, give each a folder "
                "(masks/NAME/).",
            ),
        ),
    )


def _pair(layout: str, images: list[Path], masks: list[Path], mask_suffix: str | None, folder: Path) -> Listing:
    """Pair images with one mask each."""
    if not images:
        raise DataError(f"There is no image in {folder}.")
    image_of, mask_of = by_stem(images), by_stem(masks)
    added = find_affixes(list(image_of), list(mask_of), mask_suffix)
    if mask_suffix is None and not added.paired and (addition := find_addition(list(image_of), list(mask_of))):
        added = find_affixes(list(image_of), list(mask_of), addition)
    cases = tuple(
        Case(stem, (path,), None if (name := added.mask_name(stem)) is None else mask_of.get(name))
        for stem, path in image_of.items()
    )
    if masks and all(case.mask is None for case in cases):
        raise DataError(
            f"No mask in {masks[0].parent} belongs to an image in {folder}: images are named like {images[0].name}, "
            f"masks like {masks[0].name}. Give them the same names, or say what mask names add (--mask-suffix)."
        )
    used = {case.mask for case in cases}
    return Listing(
        layout,
        cases,
        orphans=tuple(path for path in masks if path not in used),
        folders=tuple(dict.fromkeys(path.parent for path in (*images, *masks))),
    )


FOLDERS = Layout(fits, read)
