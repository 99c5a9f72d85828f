"""A folder of images and masks as a sequence of cases."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError, DataNotFoundError
from prismseg.data.cases import (
    file_stamp,
    find_channels,
    identity_and_size,
    read_case,
    size_remedy,
    source_hash,
)
from prismseg.data.images.reading import read_mask
from prismseg.data.images.source import Source, file_of, files_of, place_of
from prismseg.data.images.volumes import find_spacing
from prismseg.data.layouts import Listing, group_of
from prismseg.data.layouts.annotators import annotators_of
from prismseg.data.listings import list_with, named_path
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.labels import (
    LabelWarning,
    count_labels,
    decode,
    doubtful_labels,
    find_coding,
    listed_coding,
    name_classes,
    require_named,
    require_sharp,
    sum_counts,
    with_absent,
)
from prismseg.data.masks.legend import Legend
from prismseg.data.masks.overlapping import labels_in
from prismseg.data.options import DataOptions, make_options
from prismseg.data.sample import Sample
from prismseg.data.twins import Twin, find_twins_cached, thumbnail

_SAMPLE = 64  # masks that are looked at for blur


class SegmentationDataset(Sequence[Sample]):
    """Cases read one at a time, at their original size; made by `open_dataset`.

    Attributes
    ----------
    root : Path
        Folder or table it was opened from.
    layout : str
        How the files are laid out.
    ids, groups : list of str
        Name and group of each case.
    classes : list of str
        Class names, background first.
    channels : int
        Channels that a network for these images takes.
    multilabel : bool
        Whether classes overlap: masks then hold a bit for each (`prismseg.data.masks.overlapping`).
    names_stated : bool
        Whether somebody named the classes: the caller or the layout; else the names are made up.
    predefined_splits : tuple of dict
        Case names by part, for each split that the data set brings along.
    """

    def __init__(
        self,
        root: str | Path,
        listing: Listing,
        options: DataOptions,
        legend: Legend | None = None,
    ) -> None:
        self.root = Path(root)
        self.layout = listing.layout
        self.multilabel = options.multilabel
        self.predefined_splits = listing.splits
        self._cases = listing.cases
        # A layout or a legend that fixes the labels has them looked up; only bare numbers are thresholded.
        self._threshold = options.binary and listing.coding is None
        self._legend = legend
        self._twins: list[Twin] | None = None
        self.ids = [case.id for case in self._cases]
        self.groups = [group_of(case, options.group) for case in self._cases]
        self._coding = _find_coding(listing, options.binary, options.classes)
        named = list(listing.classes or ()) if options.multilabel else None
        self.classes = named or name_classes(self._coding, options.classes, listing.classes)
        self.names_stated = options.classes is not None or self.classes == list(listing.classes or ())
        self.channels = options.channels if options.channels is not None else find_channels(self._cases)

    def __len__(self) -> int:
        return len(self._cases)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Read a case; a `DataError` names the file that cannot be used."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        case = self._cases[index]
        image = read_case(case)
        mask = None
        if case.mask is not None:
            mask = self._read_mask(case.mask)
            if mask.shape != image.shape[:2]:
                raise DataError(
                    f"The mask {case.mask} has {mask.shape[0]} x {mask.shape[1]} pixels, its image "
                    f"{case.images[0]} has {image.shape[0]} x {image.shape[1]}. "
                    + size_remedy(mask.shape, image.shape)
                )
        return Sample(
            case.id,
            self.groups[index],
            image,
            mask,
            place_of(case.images[0]),
            None if case.mask is None else place_of(case.mask),
            find_spacing(case.images[0]),
        )

    def _read_mask(self, source: Source) -> NDArray[np.uint8]:
        labels = read_mask(source) if self._legend is None else self._legend.read(source).astype(np.int64)
        return decode(labels, self._coding, place_of(source), binary=self._threshold)

    @cached_property
    def annotators(self) -> list[str]:
        """Names of those who drew masks, where several drew the same images; else none."""
        return list(annotators_of(self._cases))

    def annotations(self, index: int) -> dict[str, NDArray[np.uint8]]:
        """Class indices (H, W) of each annotator's own mask of a case; empty where it has one mask only.

        Raises
        ------
        DataError
            Naming a file that cannot be read.
        """
        mask = self._cases[index].mask
        if not isinstance(mask, AnnotatorMasks) or len(mask.masks) < 2:
            return {}
        return {name: self._read_mask(path) for name, path in mask.masks}

    def find_classes(self, indices: Iterable[int]) -> set[int]:
        """Find the class indices in the masks of the cases at `indices`; reads masks until all classes are found."""
        found: set[int] = set()
        for index in indices:
            mask = self._cases[index].mask
            if mask is not None:
                found |= labels_in(np.unique(self._read_mask(mask)).tolist(), multilabel=self.multilabel)
            if len(found) == len(self.classes):
                break
        return found

    def subset(self, indices: Sequence[int]) -> SegmentationDataset:
        """Make a data set of the cases at `indices`, in that order; classes and channels stay those of the whole."""
        part = copy.copy(self)
        part._cases = tuple(self._cases[index] for index in indices)
        part.ids = [self.ids[index] for index in indices]
        part.groups = [self.groups[index] for index in indices]
        part.__dict__.pop("unlabelled", None)
        part.__dict__.pop("annotators", None)
        part._twins = None
        for name in ("identities", "sizes"):
            if name in self.__dict__:
                part.__dict__[name] = [self.__dict__[name][index] for index in indices]
        return part

    def named(self, names: Sequence[str]) -> SegmentationDataset:
        """Make the same data set with its classes named so, in the order of their labels."""
        other = copy.copy(self)
        other.classes, other.names_stated = list(names), True
        return other

    def with_classes(self, names: Sequence[str]) -> SegmentationDataset:
        """Make the same data set with its classes in the order of `names`, labels changed along with them.

        Raises
        ------
        ConfigError
            When `names` are not the names of these classes, or the masks are made by a threshold or of bits.
        """
        if (
            sorted(names) != sorted(self.classes)
            or len(set(names)) != len(names)
            or self._threshold
            or self.multilabel
        ):
            raise ConfigError(
                f"The classes of {self.root} ({', '.join(self.classes)}) cannot be put in the order {', '.join(names)}."
            )
        place = {old: list(names).index(name) for old, name in enumerate(self.classes)}
        ordered = copy.copy(self)
        ordered.classes = list(names)
        ordered._coding = {label: place.get(index, index) for label, index in self._coding.items()}
        return ordered

    def fingerprint(self) -> str:
        """Hash of what the data set consists of: names and contents of its files, groups, classes.

        Raises
        ------
        DataError
            Naming a file that is gone.
        """
        digest = hashlib.sha256()
        for case, group in zip(self._cases, self.groups, strict=True):
            sources = [*case.images, *([case.mask] if case.mask is not None else [])]
            missing = next((path for each in sources for path in files_of(each) if not path.is_file()), None)
            if missing is not None:
                raise DataNotFoundError(f"There is no file {missing}; restore it, or take it out of the list.")
            contents = [source_hash(source) for source in sources]
            digest.update(repr((case.id, group, [file_of(path).name for path in sources], contents)).encode())
        digest.update(repr((self.classes, sorted(self._coding.items()), self.channels)).encode())
        if self._legend is not None:
            digest.update(repr(self._legend).encode())
        return digest.hexdigest()

    def stamps(self) -> tuple[tuple[int, ...], ...]:
        """List when each file was changed and its size: while they are the same, nothing need be read again."""
        sources = [source for case in self._cases for source in (*case.images, case.mask) if source is not None]
        return tuple(file_stamp(path) for source in sources for path in files_of(source))

    @cached_property
    def identities(self) -> list[str]:
        """Identity of each case's pixels (`prismseg.data.images.identity`); reads every image once a process.

        Raises
        ------
        DataError
            Naming a file that is gone or cannot be read.
        """
        return [identity_and_size(case)[0] for case in self._cases]

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of each image; read along with `identities`."""
        return [identity_and_size(case)[1] for case in self._cases]

    def twins(self, *, show_progress: bool = False) -> list[Twin]:
        """Pairs of cases that show one image in another cut, size, mirror or brightness (`prismseg.data.twins`).

        Equal images are not among them: `identities` tells those. The answer is kept in the user's cache under the
        content of the images, so that it is worked out once.

        Raises
        ------
        DataError
            Naming a file that is gone or cannot be read.
        """
        if self._twins is None:
            thumbnails = self.thumbnails(range(len(self)))
            self._twins = find_twins_cached(self.identities, thumbnails, show_progress=show_progress)
        return self._twins

    def thumbnails(self, indices: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
        """Small grey images of the cases at `indices`, by which twins are found, one image read at a time."""
        return (thumbnail(read_case(self._cases[index])) for index in indices)

    @cached_property
    def unlabelled(self) -> list[int]:
        """Positions of the cases without a mask."""
        return [index for index, case in enumerate(self._cases) if case.mask is None]


def open_dataset(
    path: str | Path,
    *,
    layout: str = "auto",
    group: str = "auto",
    classes: Sequence[str] | None = None,
    binary: bool = False,
    mask_suffix: str | None = None,
    channels: int | None = None,
    colours: str | Path | Mapping[str, str] | None = None,
    annotators: str | None = None,
    multilabel: bool = False,
) -> SegmentationDataset:
    """Open a data set on the disk.

    Parameters
    ----------
    path : path
        Folder (or CSV).
    layout : str
        How images and masks are laid out, one of `prismseg.data.layouts.LAYOUTS`; "auto": the first that fits.
    group : str
        What counts as one patient, see `prismseg.data.layouts.group_of`.
    classes : sequence of str, optional
        Class names, background first.
    binary : bool
        Take every label above 0 as foreground (instance labels).
    mask_suffix : str, optional
        What mask names add to image names.
    channels : int, optional
        Channels that a network gets; by default 1 where all images are grey, also when stored as RGB.
    colours : path or mapping, optional
        Legend of the masks: which colour, or stored number, is which class. A file (see
        `prismseg.data.read_legend`) or what such a file says, ``{"#000000": "background", "#ff0000": "nerve"}``.
    annotators : str, optional
        How the masks that several people drew of an image become one: "staple" (the default) or "majority", or the name
        of the annotator whose masks are meant.
    multilabel : bool
        Whether classes overlap: ``masks/CLASS/``, columns ``mask_CLASS`` or regions of nnU-Net.

    Raises
    ------
    DataError
        When there is no data set, no layout fits, or its labels cannot be class indices.
    ConfigError
        For an unknown layout or grouping, or a legend that cannot be used.

    Warns
    -----
    LabelWarning
        When labels can be read as class indices but are probably not meant so: no background in any mask, or grey
        values such as 0, 30, 60.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> for name in ("p1_a", "p1_b", "p2_a"):
    ...     np.save(folder / f"{name}.npy", np.zeros((8, 8), np.uint8))
    ...     np.save(folder / f"{name}_mask.npy", np.eye(8, dtype=np.uint8))
    >>> dataset = open_dataset(folder, classes=["background", "nerve"])
    >>> dataset.layout, dataset.ids, dataset.groups
    ('beside', ['p1_a', 'p1_b', 'p2_a'], ['p1', 'p1', 'p2'])
    >>> dataset[0].image.shape, dataset[0].mask.shape
    ((8, 8, 1), (8, 8))
    """
    return open_with(
        path,
        make_options(
            layout=layout,
            group=group,
            classes=classes,
            binary=binary,
            mask_suffix=mask_suffix,
            channels=channels,
            colours=colours,
            annotators=annotators,
            multilabel=multilabel,
        ),
    )


def open_with(path: str | Path, options: DataOptions) -> SegmentationDataset:
    """Open the data set at `path` as `options` say; raises and warns as `open_dataset` does."""
    root = named_path(path)
    listing, legend = list_with(root, options)
    if listing.absent:
        first, *others = listing.absent.values()
        count = f"{len(others)} more file{' is' if len(others) == 1 else 's are'} missing."
        raise DataNotFoundError(f"{first} {count}" if others else first)
    return SegmentationDataset(root, listing, options, legend)


def _find_coding(listing: Listing, binary: bool, classes: Sequence[str] | None) -> dict[int, int]:
    if listing.coding is not None:
        return listed_coding(listing.coding, binary=binary)
    if binary:
        _warn_of_blur(listing)
        return {0: 0, 1: 1}
    uses = sum_counts(
        (place_of(case.mask), count_labels(read_mask(case.mask)))
        for case in listing.cases
        if case.mask is not None
    )
    coding = find_coding(uses, binary=False) if uses else {0: 0, 1: 1}
    require_named(uses, coding, classes)
    for _, _, message in doubtful_labels(uses, coding, named=classes is not None, binary=False):
        warnings.warn(message, LabelWarning, stacklevel=5)
    return with_absent(coding, classes)


def _warn_of_blur(listing: Listing) -> None:
    """Warn where every label above 0 is foreground though masks are blurred, so that objects grow."""
    sources = [case.mask for case in listing.cases if case.mask is not None]
    counts = []
    for source in sources[:: max(1, len(sources) // _SAMPLE)]:
        try:
            counts.append((place_of(source), count_labels(read_mask(source))))
        except DataError:
            continue  # told where it is read
    try:
        require_sharp(sum_counts(counts), binary=True)
    except DataError as error:
        warnings.warn(str(error), LabelWarning, stacklevel=6)
