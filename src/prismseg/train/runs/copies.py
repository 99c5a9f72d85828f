"""Images that a network has seen, in another cut, size, mirror, depth or encoding: their pixels are not the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from prismseg.base import DataError
from prismseg.data import SegmentationDataset
from prismseg.data.twins import find_twins_cached
from prismseg.nets.storage.lookup import is_shipped
from prismseg.train.runs.data import find_data, open_configured
from prismseg.train.runs.find import find_runs, open_run
from prismseg.train.runs.seen import SeenCases


@dataclass(frozen=True)
class Copies:
    """Cases that show an image which a network has seen.

    Attributes
    ----------
    cases : tuple of int
        Their positions in the data set.
    searched : bool
        Whether the images that the network has seen were at hand. Of a network without its runs and their data only the
        hashes are, by which images with equal pixels alone are recognised.
    """

    cases: tuple[int, ...] = ()
    searched: bool = True


def find_copies(
    model: str | Path, dataset: SegmentationDataset, seen: SeenCases, among: Collection[int]
) -> Copies:
    """Look among some cases for copies of the images that `model`, or a network that it comes from, has seen.

    Parameters
    ----------
    model : path
        Folder of a run or a network.
    dataset : SegmentationDataset
        Its images are laid on those of the runs' own data (`prismseg.data.twins`), where these can be found.
    seen : SeenCases
        What the network has seen.
    among : collection of int
        Cases in question; those with equal pixels are known already and may be left out.
    """
    known = {*seen.train, *seen.validation}
    if not among or known <= set(dataset.identities):
        # Copies of images that lie in the data set itself are its own twins.
        return Copies()
    sources: dict[str, tuple[SegmentationDataset, int]] = {}
    for data in _met_data(model):
        sources |= {
            key: (data, case) for case, key in enumerate(data.identities) if key in known and key not in sources
        }
    queried = {dataset.identities[case]: case for case in among if dataset.identities[case] not in known}
    images = [*sources.values(), *((dataset, case) for case in queried.values())]
    twins = find_twins_cached(
        [data.identities[case] for data, case in images],
        (thumbnail for data, case in images for thumbnail in data.thumbnails([case])),
    )
    copied = {
        dataset.identities[images[twin.second][1]] for twin in twins if twin.first < len(sources) <= twin.second
    }
    cases = tuple(case for case in among if dataset.identities[case] in copied)
    return Copies(cases, searched=known <= set(sources))


def _met_data(model: str | Path) -> Iterator[SegmentationDataset]:
    """Open the data of the run of `model`, and of the runs that it went on from, where they are at hand."""
    source: str | Path | None = model
    visited: set[Path] = set()
    while source is not None and not is_shipped(source):
        runs = [folder for folder in find_runs(source) if folder.root.resolve() not in visited]
        source = None
        for folder in runs:
            visited.add(folder.root.resolve())
            config = open_run(folder.root)[1]
            source = config.initial
            try:
                yield open_configured(config, find_data(folder, config))
            except DataError:
                continue  # moved or changed: the images that are missing are counted by the caller
