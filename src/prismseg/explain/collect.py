"""Explaining a data set batch by batch: what is done is stored, and a run that was cut goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prismseg.base import OutputError, make_folder, progress_bar, read_json, write_json
from prismseg.base.provenance.sources import sources_digest
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.explain.atlas import Atlas
from prismseg.explain.measures.sums import MapSums
from prismseg.explain.report.compare import STATED
from prismseg.explain.task import CaseBatch, ExplainTask, load_cases, mask_of
from prismseg.inference import Predictor


def start_folder(out: str | Path, task: ExplainTask, *, resume: bool) -> None:
    """Make the folder and store what is explained; refuse to mix two explanations in one folder.

    Every case is read once, so that one that cannot be explained is found before anything is written, and one whose
    pixels, mask or group have changed since is found on a resume.

    Raises
    ------
    DataError
        When a case has no mask, or cannot be read.
    OutputError
        When the folder holds an explanation already and `resume` is false, or one of other networks, data, settings
        or of another version of this software.
    """
    path = Path(out) / STATED
    if path.exists() and not resume:
        raise OutputError(
            f"{out} holds an explanation already. Add --resume to go on with it, or choose another --out folder."
        )
    facts = _facts(task)
    if path.exists():
        before = read_json(path)
        changed = [key for key in facts if before.get(key) != facts[key]]
        if changed:
            raise OutputError(
                f"The explanation in {out} was started with other {', '.join(changed)}, and its parts cannot be mixed "
                "with new ones. Repeat the command it was started with, choose another --out folder, or remove this "
                "one."
            )
    make_folder(Path(out))
    write_json(path, facts)


def _facts(task: ExplainTask) -> dict[str, Any]:
    dataset = task.dataset
    return {
        "software": f"prismseg {VERSION}",
        "code": sources_digest(__name__),
        "dataset": dataset.root.name,
        "networks": [_network_digest(network.predictor) for network in task.networks],
        "cases": [
            {dataset.ids[index]: _case_digest(dataset, index) for index in network.cases}
            for network in task.networks
        ],
        "pixels": case_pixels(task),
        "settings": {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(task.settings).items()
        },
    }


def case_pixels(task: ExplainTask) -> dict[str, str]:
    """Hash of the pixels of each case, by its name."""
    dataset = task.dataset
    return {
        dataset.ids[index]: hashlib.sha256(np.ascontiguousarray(dataset[index].image).tobytes()).hexdigest()[:16]
        for network in task.networks
        for index in network.cases
    }


def _case_digest(dataset: SegmentationDataset, index: int) -> str:
    """Hash of a case's pixels, labels and group."""
    sample = dataset[index]
    digest = hashlib.sha256(repr((sample.image.dtype.str, sample.image.shape, dataset.groups[index])).encode())
    digest.update(np.ascontiguousarray(sample.image).tobytes())
    digest.update(np.ascontiguousarray(mask_of(sample)).tobytes())
    return digest.hexdigest()[:16]


def _network_digest(predictor: Predictor) -> str:
    model = predictor.model
    facts = [getattr(model, "config", type(model).__name__), getattr(model, "metadata", None)]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        # Bytes, since NumPy knows no bfloat16.
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def collect_sums(out: str | Path, task: ExplainTask, *, show_progress: bool) -> dict[str, MapSums]:
    """Explain every case for every region; parts that lie in ``out/parts`` already are not computed again.

    Returns
    -------
    dict
        Sums of all cases by region.
    """
    folder = make_folder(Path(out) / "parts")
    total = len(task.settings.regions) * len(task.ids)
    parts: dict[str, list[MapSums]] = {region: [] for region in task.settings.regions}
    done = 0
    with progress_bar("explaining", total, visible=show_progress) as advance:
        for number, network in enumerate(task.networks):
            atlases = {region: task.atlas(network, region) for region in task.settings.regions}
            for cases in task.batches(network):
                ids = tuple(task.dataset.ids[index] for index in cases)
                loaded: CaseBatch | None = None
                for region, atlas in atlases.items():
                    path = folder / f"{region.replace(':', '_')}-{number}-{cases[0]:06d}.npz"
                    part = MapSums.read(path) if path.exists() else None
                    if part is None or part.ids != ids:
                        # There is none, or batches had another size when the work was cut.
                        loaded = loaded or load_cases(network.predictor, task.dataset, cases)
                        part = _explain(atlas, loaded)
                        part.write(path)
                    parts[region].append(part)
                    done += len(cases)
                    advance(done, region)
    return {region: MapSums.join(sums) for region, sums in parts.items()}


def _explain(atlas: Atlas, batch: CaseBatch) -> MapSums:
    atlas.reset()
    atlas.update(batch.images, batch.masks, groups=batch.groups, ids=batch.ids)
    return atlas.sums()
