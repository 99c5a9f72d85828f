"""The folder of one training run: its files, who may write them, and the parts of its split."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from prismseg.base import DataError, ModelError, OutputError, make_folder, read_json, write_json
from prismseg.base.deprecation import renamed
from prismseg.base.files import output_error
from prismseg.data import SegmentationDataset, Split
from prismseg.nets.storage.lookup import RUN_CONFIG, RUN_MODEL, list_folds
from prismseg.train.config import TrainConfig, read_config, refused_changes, write_config
from prismseg.train.runs.seen import SeenCases


@renamed(begin="start", go_on="resume", earlier="read_earlier", started="read_config")
@dataclass(frozen=True)
class RunFolder:
    """Paths inside the folder of one run."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    @property
    def config(self) -> Path:
        """Settings the run was started with (YAML); written last, so where it is the run was begun."""
        return self.root / RUN_CONFIG

    @property
    def split(self) -> Path:
        """Case names of the training, validation and test parts (JSON); never changed once written."""
        return self.root / "split.json"

    @property
    def cases(self) -> Path:
        """Where the data were, their fingerprint, and the identity of each case (JSON)."""
        return self.root / "cases.json"

    @property
    def history(self) -> Path:
        """Loss and validation score over the steps (CSV)."""
        return self.root / "history.csv"

    @property
    def checkpoint(self) -> Path:
        """Last training state, from which a run resumes."""
        return self.root / "checkpoints" / "last.safetensors"

    @property
    def model(self) -> Path:
        """Folder of the best network, as `load_model` reads it."""
        return self.root / RUN_MODEL

    @property
    def base(self) -> Path:
        """Folder of the network that a run corrects, so that it can be resumed without the place it came from."""
        return self.root / "base"

    @property
    def evaluation(self) -> Path:
        """Folder that `evaluate` fills."""
        return self.root / "evaluation"

    @property
    def held_out(self) -> Path:
        """Folder of what an instant segmenter is worth on groups that were left out of its fit."""
        return self.root / "held-out"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in this folder.

        Raises
        ------
        OutputError
            When one does already, or the folder cannot be written.
        """
        make_folder(self.root)
        lock = FileLock(self.root / ".training.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OutputError(
                f"Another process is training in {self.root}. Wait until it has ended, or choose another --out folder."
            ) from error
        except OSError as error:
            raise output_error(self.root, error) from error
        try:
            yield
        finally:
            lock.release()

    def refuse_existing(self) -> None:
        """Refuse to start a run where one was begun.

        Raises
        ------
        OutputError
            Saying what to do.
        """
        if self.config.exists() or fold_folders(self.root):
            what = "a training run" if self.config.exists() else "a cross-validation"
            raise OutputError(
                f"{self.root} holds {what} already. Add --resume to go on with it, or choose another --out folder."
            )

    def read_config(self) -> TrainConfig:
        """Read the settings with which the run was begun.

        Raises
        ------
        ModelError
            When there is nothing to resume.
        """
        if not self.config.exists():
            raise ModelError(
                f"There is no run to resume in {self.root}. Start it without --resume, or name the folder of the "
                "run that was cut."
            )
        return read_config(self.config)

    def refuse_changes(self, config: TrainConfig) -> None:
        """Refuse to go on with other settings than the run was begun with.

        Raises
        ------
        ModelError
            Naming the difference, or when there is nothing to resume.
        """
        changed = refused_changes(self.read_config(), config)
        if changed:
            raise ModelError(
                f"The run in {self.root} was started with other settings ({'; '.join(changed)}). Resume it with those it "
                f"was started with (prismseg train --resume --out {self.root} takes them), or start a new run in another "
                "folder."
            )

    def refuse_other(self, config: TrainConfig, dataset: SegmentationDataset) -> None:
        """Refuse to go on with other settings or data than the run was begun with.

        Raises
        ------
        ModelError
            Naming the difference, or when there is nothing to resume.
        """
        self.refuse_changes(config)
        if self.checkpoint.exists() and not self.split.exists():
            raise ModelError(
                f"{self.split} is gone, and with it what the run has learnt from; restore it, or start a new run in "
                "another folder."
            )
        if self.cases.exists() and self.read_cases()["fingerprint"] != dataset.fingerprint():
            raise ModelError(
                f"The data set has changed since the run in {self.root} was started (other files, groups or classes in "
                f"{dataset.root}). Restore it, or start a new run in another folder."
            )

    def start(
        self, config: TrainConfig, dataset: SegmentationDataset, split: Split, earlier: SeenCases | None = None
    ) -> None:
        """Write down a new run: its split, its cases, then its settings.

        `earlier` is what the network that it starts from had seen.
        """
        ids = dataset.ids
        write_json(
            self.split,
            {part: [ids[i] for i in getattr(split, part)] for part in ("train", "validation", "test")},
        )
        write_json(
            self.cases,
            {
                **self._place(dataset),
                "fingerprint": dataset.fingerprint(),
                "identities": dict(zip(ids, dataset.identities, strict=True)),
                "earlier": None if earlier is None else earlier.to_metadata(),
            },
        )
        write_config(self.config, config)

    def resume(self, config: TrainConfig, dataset: SegmentationDataset) -> None:
        """Write down what a resumed run may change: its settings, and where its data lie now."""
        if self.cases.exists():
            write_json(self.cases, self.read_cases() | self._place(dataset))
        write_config(self.config, config)

    def _place(self, dataset: SegmentationDataset) -> dict[str, str]:
        data, root = _absolute(dataset.root), _absolute(self.root)
        return {"data": str(data), "relative": os.path.relpath(data, root)}

    def read_cases(self) -> dict[str, Any]:
        """Read what `cases` holds.

        Raises
        ------
        ModelError
            When the file is damaged.
        """
        stored = read_json(self.cases)
        if not isinstance(stored, dict) or not {"relative", "fingerprint", "identities"} <= set(stored):
            raise ModelError(
                f"{self.cases} is not what a run has written there; restore it from a copy of the run."
            )
        return stored

    def read_earlier(self) -> SeenCases | None:
        """Read what the network that the run started from had seen; None where that is not known."""
        stored = self.read_cases() if self.cases.exists() else {}
        return SeenCases.from_metadata({"seen": stored.get("earlier")})

    def read_split(self, dataset: SegmentationDataset) -> Split:
        """Parts of the run as positions in `dataset`.

        Raises
        ------
        DataError
            When a case is not in the data set any more.
        """
        train, validation, test = (
            tuple(read_part(self, dataset, part)) for part in ("train", "validation", "test")
        )
        return Split(train=train, validation=validation, test=test)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (a link stays the name it has)


def read_part(folder: RunFolder, dataset: SegmentationDataset, part: str) -> list[int]:
    """Positions in `dataset` of the cases that `split.json` lists under `part`, recognised by their content.

    Raises
    ------
    DataError
        When a listed case is not in the data set any more, or is another image under its old name.
    """
    names = read_json(folder.split)[part]
    if folder.cases.exists():
        known = folder.read_cases()["identities"]
        keys, present = [known[name] for name in names], dataset.identities
    else:
        keys, present = names, dataset.ids
    # Copies of an image have one identity; the one of the old name comes first.
    position: dict[str, list[int]] = {}
    for index, key in enumerate(present):
        position.setdefault(key, []).append(index)
    positions: list[int] = []
    missing: list[str] = []
    for name, key in zip(names, keys, strict=True):
        places = position.get(key, [])
        place = next((index for index in places if dataset.ids[index] == name), places[0] if places else None)
        if place is None:
            missing.append(name)
        else:
            places.remove(place)
            positions.append(place)
    if missing:
        raise DataError(
            f"{len(missing)} cases of {folder.split} are not in {dataset.root} (the first is {missing[0]!r}), or their "
            "images have changed; restore the data set as it was when the run was trained."
        )
    return positions


def fold_folders(root: str | Path) -> list[RunFolder]:
    """Folders of the folds of a cross-validation below `root`, in order; empty where there are none."""
    return [RunFolder(path) for path in list_folds(root)]
