"""Masks and maps that trained networks of a study make of single cases, computed once and cached beside the report."""

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
from prismseg.study.kind import FinishedRun
from prismseg.train.runs.assignment import assign_run_cases

Pixels = NDArray[np.uint8]
_LONGEST = 256  # pixels of a cached picture
_FORMER_NAMES = {"found": "prediction"}  # of arrays in cached files; finished studies have them


@dataclass(frozen=True)
class CasePrediction:
    """A case and what a network predicts for it.

    Attributes
    ----------
    picture : (h, w, 3) uint8
    truth, prediction : (h, w) uint8
        Classes.
    """

    picture: Pixels
    truth: Pixels
    prediction: Pixels


@dataclass(frozen=True)
class CaseMaps:
    """Maps of all layers for the foreground classes of a case, at the network's size.

    Attributes
    ----------
    picture : (h, w, 3) uint8
    truth, prediction : (h, w) uint8
        Classes.
    layers : (L,) str
    values : (K - 1, L, h, w) uint8
        Each map stretched to 0–255; classes from 1 on.
    rho : (K - 1, L) float
        Share of the relevance inside the true mask.
    """

    picture: Pixels
    truth: Pixels
    prediction: Pixels
    layers: NDArray[np.str_]
    values: Pixels
    rho: NDArray[np.float64]


@dataclass(frozen=True)
class CaseCache:
    """Predictions and maps of single cases, cached in a folder, so that the next report needs no network.

    Attributes
    ----------
    folder : Path
        Of the cached files.
    """

    folder: Path

    def predictions(self, finished: FinishedRun, cases: Sequence[str]) -> dict[str, CasePrediction]:
        """Predict cases with the network of a run.

        Raises
        ------
        PrismsegError
            When the run's network or its data are gone, and a case is not cached.
        """
        paths = {case: self._path(finished, case, "look") for case in cases}
        missing = [case for case, path in paths.items() if not _is_current(path, finished)]
        if missing:
            networks, dataset = assign_run_cases(_training_run(finished))
            for case in missing:
                _write(paths[case], _predict(*_find_case(networks, dataset, case), dataset))
        return {case: CasePrediction(**_read(path)) for case, path in paths.items()}

    def maps(self, finished: FinishedRun, case: str) -> CaseMaps:
        """Compute the maps of all layers by the run's own method and region.

        Raises
        ------
        PrismsegError
            As `predictions`.
        """
        path = self._path(finished, case, "maps")
        if not _is_current(path, finished):
            networks, dataset = assign_run_cases(_training_run(finished))
            settings = finished.run.settings
            chosen = ExplainSettings(methods=(settings["method"],), regions=(settings["region"],))
            _write(path, _explain(*_find_case(networks, dataset, case), dataset, chosen))
        return CaseMaps(**_read(path))

    def _path(self, finished: FinishedRun, case: str, content: str) -> Path:
        digest = hashlib.sha256(case.encode()).hexdigest()[:12]
        return self.folder / f"{finished.run.key}-{digest}-{content}.npz"


def _training_run(finished: FinishedRun) -> Path:
    return finished.folder / "work" / "run"


def _is_current(path: Path, finished: FinishedRun) -> bool:
    done = finished.folder / "done.json"
    return path.exists() and path.stat().st_mtime >= done.stat().st_mtime


def _find_case(
    networks: Sequence[EvaluatedNetwork], dataset: SegmentationDataset, case: str
) -> tuple[EvaluatedNetwork, int]:
    for network in networks:
        for index in network.cases:
            if dataset.ids[index] == case:
                return network, index
    raise DataError(f"{dataset.root} no longer has the case {case}.")


def _predict(network: EvaluatedNetwork, index: int, dataset: SegmentationDataset) -> CasePrediction:
    sample = dataset[index]
    if sample.mask is None:
        raise DataError(f"{sample.image_path} no longer has a mask.")
    prediction = next(network.predictor.predict([sample.image])).mask
    picture = Image.fromarray(displayable(sample.image))
    scale = min(1.0, _LONGEST / max(picture.size))
    size = (round(picture.width * scale), round(picture.height * scale))
    masks = (
        np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        for mask in (sample.mask, prediction)
    )
    return CasePrediction(np.asarray(picture.resize(size, Image.Resampling.BILINEAR)), *masks)


def _explain(
    network: EvaluatedNetwork, index: int, dataset: SegmentationDataset, settings: ExplainSettings
) -> CaseMaps:
    batch = load_cases(network.predictor, dataset, [index])
    method = settings.method
    computed = make_atlas(network.predictor, settings).maps(batch.images, batch.masks)
    classes = range(1, len(network.predictor.classes))
    layers = [layer for name, layer, cls in computed if (name, cls) == (method, 1)]
    truth = batch.masks[0].cpu().numpy()
    size = (batch.images.shape[-2], batch.images.shape[-1])
    with torch.inference_mode():
        predicted = predicted_mask(find_logits(network.predictor.model(batch.images), None, size))[0]
    maps = {(cls, layer): computed[method, layer, cls] for cls in classes for layer in layers}
    return CaseMaps(
        background(dataset[index].image, size),
        truth.astype(np.uint8),
        predicted.cpu().numpy().astype(np.uint8),
        np.array(layers),
        np.stack(
            [[(255 * scale_to_unit(maps[c, n])[0]).round().byte().cpu().numpy() for n in layers] for c in classes]
        ),
        np.array([[share_inside(maps[c, n][0], truth == c, truth != IGNORE) for n in layers] for c in classes]),
    )


def _write(path: Path, content: CasePrediction | CaseMaps) -> None:
    arrays = {item.name: getattr(content, item.name) for item in fields(content)}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def _read(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return {_FORMER_NAMES.get(name, name): arrays[name] for name in arrays.files}
