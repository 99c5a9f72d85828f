"""What trained networks of a study say of single cases: masks and maps, computed once and kept beside the report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import DataError, atomic_path
from prismseg.data import SegmentationDataset
from prismseg.data.sample import IGNORE
from prismseg.evaluation import EvaluatedNetwork
from prismseg.explain.fusion import scale_to_unit
from prismseg.explain.report.examples import share_inside
from prismseg.explain.report.pictures import background
from prismseg.explain.settings import ExplainSettings
from prismseg.explain.target.logits import find_logits, predicted_mask
from prismseg.explain.task import load_cases, make_atlas
from prismseg.inference.render import displayable
from prismseg.study.grid import Run
from prismseg.study.store import Store
from prismseg.train.runs.assignment import assign_run_cases

Pixels = NDArray[np.uint8]
LONGEST = 256  # pixels of a kept picture


@dataclass(frozen=True)
class Look:
    """A case and what a network makes of it.

    Attributes
    ----------
    picture : (h, w, 3) uint8
    truth, found : (h, w) uint8
        Classes.
    """

    picture: Pixels
    truth: Pixels
    found: Pixels


@dataclass(frozen=True)
class Maps:
    """Maps of all layers for the foreground classes of a case, at the network's size.

    Attributes
    ----------
    picture : (h, w, 3) uint8
    truth, found : (h, w) uint8
        Classes.
    layers : (L,) str
    values : (K - 1, L, h, w) uint8
        Each map spread over 0–255; classes from 1 on.
    rho : (K - 1, L) float
        Share of the relevance inside the true mask.
    """

    picture: Pixels
    truth: Pixels
    found: Pixels
    layers: NDArray[np.str_]
    values: Pixels
    rho: NDArray[np.float64]


@dataclass(frozen=True)
class Looks:
    """Looks at single cases, kept in `folder`, so that a report that is made again needs no network.

    Attributes
    ----------
    store : Store
        With the runs.
    folder : Path
        Where what was computed is kept.
    """

    store: Store
    folder: Path

    def looks(self, run: Run, cases: Sequence[str]) -> dict[str, Look]:
        """Predict cases.

        Raises
        ------
        PrismsegError
            When the run's network or its data are gone, and a case is not kept.
        """
        paths = {case: self._path(run, case, "look") for case in cases}
        missing = [case for case, path in paths.items() if not self._fresh(run, path)]
        if missing:
            trials, dataset = assign_run_cases(self._root(run))
            for case in missing:
                _write(paths[case], _look(*_place(trials, dataset, case), dataset))
        return {case: Look(**_read(path)) for case, path in paths.items()}

    def maps(self, run: Run, case: str) -> Maps:
        """Compute the maps of all layers by the run's own method and region.

        Raises
        ------
        PrismsegError
            As `looks`.
        """
        path = self._path(run, case, "maps")
        if not self._fresh(run, path):
            trials, dataset = assign_run_cases(self._root(run))
            chosen = ExplainSettings(methods=(run.settings["method"],), regions=(run.settings["region"],))
            _write(path, _maps(*_place(trials, dataset, case), dataset, chosen))
        return Maps(**_read(path))

    def _root(self, run: Run) -> Path:
        return self.store.folder(run) / "work" / "run"

    def _path(self, run: Run, case: str, kind: str) -> Path:
        return self.folder / f"{run.key}-{hashlib.sha256(case.encode()).hexdigest()[:12]}-{kind}.npz"

    def _fresh(self, run: Run, path: Path) -> bool:
        done = self.store.folder(run) / "done.json"
        return path.exists() and path.stat().st_mtime >= done.stat().st_mtime


def _place(
    trials: Sequence[EvaluatedNetwork], dataset: SegmentationDataset, case: str
) -> tuple[EvaluatedNetwork, int]:
    for trial in trials:
        for index in trial.cases:
            if dataset.ids[index] == case:
                return trial, index
    raise DataError(f"{dataset.root} no longer has the case {case}.")


def _look(trial: EvaluatedNetwork, index: int, dataset: SegmentationDataset) -> Look:
    sample = dataset[index]
    if sample.mask is None:
        raise DataError(f"{sample.image_path} no longer has a mask.")
    found = next(trial.predictor.predict([sample.image])).mask
    picture = Image.fromarray(displayable(sample.image))
    scale = min(1.0, LONGEST / max(picture.size))
    size = (round(picture.width * scale), round(picture.height * scale))
    masks = (
        np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        for mask in (sample.mask, found)
    )
    return Look(np.asarray(picture.resize(size, Image.Resampling.BILINEAR)), *masks)


def _maps(trial: EvaluatedNetwork, index: int, dataset: SegmentationDataset, settings: ExplainSettings) -> Maps:
    batch = load_cases(trial.predictor, dataset, [index])
    method = settings.method
    found = make_atlas(trial.predictor, settings).maps(batch.images, batch.masks)
    classes = range(1, len(trial.predictor.classes))
    layers = [layer for of, layer, cls in found if (of, cls) == (method, 1)]
    truth = batch.masks[0].cpu().numpy()
    size = (batch.images.shape[-2], batch.images.shape[-1])
    with torch.inference_mode():
        predicted = predicted_mask(find_logits(trial.predictor.model(batch.images), None, size))[0]
    maps = {(cls, layer): found[method, layer, cls] for cls in classes for layer in layers}
    return Maps(
        background(dataset[index].image, size),
        truth.astype(np.uint8),
        predicted.cpu().numpy().astype(np.uint8),
        np.array(layers),
        np.stack(
            [[(255 * scale_to_unit(maps[c, n])[0]).round().byte().cpu().numpy() for n in layers] for c in classes]
        ),
        np.array([[share_inside(maps[c, n][0], truth == c, truth != IGNORE) for n in layers] for c in classes]),
    )


def _write(path: Path, found: Look | Maps) -> None:
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary, allow_pickle=False, **{item.name: getattr(found, item.name) for item in fields(found)}
        )


def _read(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
