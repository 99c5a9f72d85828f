"""Pictures that a network has met, in another cut, size, mirror, depth or encoding: their pixels are not the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from prismseg.base import DataError
from prismseg.data import SegmentationDataset
from prismseg.data.twins import twins_of
from prismseg.nets.storage.lookup import is_shipped
from prismseg.train.runs.data import find_data, open_configured
from prismseg.train.runs.find import open_run, run_of
from prismseg.train.runs.seen import SeenCases


@dataclass(frozen=True)
class Copies:
    """Cases that show a picture which a network has met.

    Attributes
    ----------
    cases : tuple of int
        Their positions in the data set.
    searched : bool
        Whether the pictures that the network has met were at hand. Of a network without its runs and their data only the
        hashes are, by which pictures with equal pixels alone are recognised.
    """

    cases: tuple[int, ...] = ()
    searched: bool = True


def find_copies(
    model: str | Path, dataset: SegmentationDataset, seen: SeenCases, among: Collection[int]
) -> Copies:
    """Look among some cases for copies of the pictures that `model`, or a network that it comes from, has met.

    Parameters
    ----------
    model : path
        Folder of a run or a network.
    dataset : SegmentationDataset
        Its pictures are laid on those of the runs' own data (`prismseg.data.twins`), where these can be found.
    seen : SeenCases
        What the network has met.
    among : collection of int
        Cases in question; those with equal pixels are known already and may be left out.
    """
    known = {*seen.train, *seen.validation}
    if not among or known <= set(dataset.identities):
        # Copies of pictures that lie in the data set itself are its own twins.
        return Copies()
    met: dict[str, tuple[SegmentationDataset, int]] = {}
    for data in _met_data(model):
        met |= {key: (data, case) for case, key in enumerate(data.identities) if key in known and key not in met}
    asked = {dataset.identities[case]: case for case in among if dataset.identities[case] not in known}
    pictures = [*met.values(), *((dataset, case) for case in asked.values())]
    found = twins_of(
        [data.identities[case] for data, case in pictures],
        (portrait for data, case in pictures for portrait in data.portraits([case])),
    )
    copied = {
        dataset.identities[pictures[twin.second][1]] for twin in found if twin.first < len(met) <= twin.second
    }
    cases = tuple(case for case in among if dataset.identities[case] in copied)
    return Copies(cases, searched=known <= set(met))


def _met_data(model: str | Path) -> Iterator[SegmentationDataset]:
    """Open the data of the run of `model`, and of the runs that it went on from, where they are at hand."""
    source: str | Path | None = model
    visited: set[Path] = set()
    while source is not None and not is_shipped(source):
        runs = [folder for folder in run_of(source) if folder.root.resolve() not in visited]
        source = None
        for folder in runs:
            visited.add(folder.root.resolve())
            config = open_run(folder.root)[1]
            source = config.initial
            try:
                yield open_configured(config, find_data(folder, config))
            except DataError:
                continue  # moved or changed: the pictures that are missing are counted by the caller
