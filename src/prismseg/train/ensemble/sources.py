"""Which networks an ensemble is made of: those of runs, of the folds of a cross-validation, of folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prismseg.base import ConfigError
from prismseg.nets import find_model, load_model
from prismseg.nets.storage.lookup import RUN_MODEL, is_shipped
from prismseg.train.ensemble.combine import Member
from prismseg.train.runs.folder import fold_folders


@dataclass(frozen=True)
class EnsembleSource:
    """What a user names for an ensemble: one network, or the folds of a cross-validation, which share one weight.

    Attributes
    ----------
    path : str or Path
        As it was named.
    name : str
        What people call it.
    folders : dict of str to Path
        Folder of each network, by its name.
    """

    path: str | Path
    name: str
    folders: dict[str, Path]

    @classmethod
    def find(cls, path: str | Path, name: str) -> EnsembleSource:
        """Find the networks at `path`, which shall be called `name`.

        Raises
        ------
        ModelError
            When there is none.
        """
        if folds := [] if is_shipped(path) else fold_folders(path):
            return cls(path, name, {f"{name}/{fold.root.name}": find_model(fold.root) for fold in folds})
        return cls(path, name, {name: find_model(path)})

    def members(self, weight: float) -> list[Member]:
        """Load the networks; each gets the same share of `weight`."""
        return [
            Member(load_model(folder), name, weight / len(self.folders)) for name, folder in self.folders.items()
        ]


def find_sources(paths: Sequence[str | Path]) -> list[EnsembleSource]:
    """Find the networks at each of `paths`.

    Raises
    ------
    ModelError
        When there is none.
    ConfigError
        When one is named twice.
    """
    sources: list[EnsembleSource] = []
    found: set[Path] = set()
    names: Counter[str] = Counter()
    for path in paths:
        name = _name(path)
        names[name] += 1
        source = EnsembleSource.find(path, name if names[name] == 1 else f"{name}-{names[name]}")
        for folder in source.folders.values():
            if folder.resolve() in found:
                raise ConfigError(
                    f"The network {folder} is named twice; name each once, and weigh them with --weights."
                )
            found.add(folder.resolve())
        sources.append(source)
    return sources


def _name(path: str | Path) -> str:
    """Name of a run or network, without the folders it lies in: those may say whose it is."""
    if is_shipped(path):
        return str(path)
    resolved = Path(path).resolve()
    return resolved.parent.name if resolved.name == RUN_MODEL else resolved.name
