"""Explaining a data set batch by batch: what is done is stored, and a run that was cut goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import ConfigError, DataError, OutputError, make_folder, progress_bar, read_json, write_json
from prismseg.base.sources import sources_digest
from prismseg.base.version import VERSION
from prismseg.data import Sample, SegmentationDataset
from prismseg.explain.atlas import Atlas
from prismseg.explain.collected import Collected
from prismseg.explain.target import DEFAULT_REGION, REGIONS
from prismseg.explain.trace.footprint import images_within
from prismseg.train import Predictor, Trial

NULL = "random"
POINTWISE = 0.5  # pixels that a layer's evidence may reach and still count as acting on each pixel by itself
LARGEST_BATCH = 16


@dataclass(frozen=True)
class ExplainSettings:
    """What is explained, and how.

    Attributes
    ----------
    layers : tuple of str
        As `choose_layers` takes them; ``("all",)`` for every convolution.
    methods : tuple of str
        The first is the one whose maps are shown large. The random map is always added, as the null.
    regions : tuple of str
        Of "truth", "prediction", "image"; the first is the one that is shown large.
    border : int
        Half width of the band around contours, pixels of the network's input.
    perturb : bool
        Also measure drop, increase and gain.
    memory : float
        MiB that a batch may take.
    seed : int
        Of random maps, scrambled layers and the bootstrap.
    """

    layers: tuple[str, ...] = ("all",)
    methods: tuple[str, ...] = ("layercam", "gradcam")
    regions: tuple[str, ...] = (DEFAULT_REGION, "truth")
    border: int = 3
    perturb: bool = False
    memory: float = 2048
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("layers", "methods", "regions"):
            once = tuple(dict.fromkeys(getattr(self, name)))
            if not once:
                raise ConfigError(f"Name at least one of the {name} to explain.")
            object.__setattr__(self, name, once)  # one that is named twice would count twice
        if not self.memory > 0:
            raise ConfigError(f"A batch must be allowed some memory, not {self.memory} MiB.")
        unknown = [region for region in self.regions if region not in REGIONS]
        if unknown or not self.regions:
            raise ConfigError(f"The regions must be of {', '.join(REGIONS)}, not {', '.join(unknown) or 'none'}.")

    def atlas(self, predictor: Predictor, region: str) -> Atlas:
        """Make the atlas of a network for one region."""
        return Atlas(
            predictor.model,
            "all" if self.layers == ("all",) else self.layers,
            tuple(dict.fromkeys((*self.methods, NULL))),
            region,
            class_names=predictor.classes,
            border=self.border,
            perturb=self.perturb,
            memory=self.memory,
            seed=self.seed,
        )


@dataclass(frozen=True)
class Batch:
    """Cases as the network takes them."""

    images: Tensor
    masks: Tensor
    ids: tuple[str, ...]
    groups: tuple[str, ...]


def load_batch(predictor: Predictor, dataset: SegmentationDataset, cases: Sequence[int]) -> Batch:
    """Read cases and bring them to the network's size.

    Raises
    ------
    DataError
        When a case has no mask, or cannot be read.
    """
    images, masks = [], []
    for index in cases:
        sample = dataset[index]
        masks.append(predictor.preprocess.mask_tensor(_mask_of(sample)))
        images.append(predictor.preprocess.image_tensor(sample.image))
    return Batch(
        torch.stack(images).to(predictor.device, memory_format=torch.channels_last),
        torch.stack(masks).to(predictor.device),
        tuple(dataset.ids[index] for index in cases),
        tuple(dataset.groups[index] for index in cases),
    )


def start(
    out: Path, trials: Sequence[Trial], dataset: SegmentationDataset, settings: ExplainSettings, *, resume: bool
) -> None:
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
    path = out / "explanation.json"
    if path.exists() and not resume:
        raise OutputError(
            f"{out} holds an explanation already. Add --resume to go on with it, or choose another --out folder."
        )
    facts = _facts(trials, dataset, settings)
    if path.exists():
        before = read_json(path)
        changed = [key for key in facts if before.get(key) != facts[key]]
        if changed:
            raise OutputError(
                f"The explanation in {out} was started with other {', '.join(changed)}, and its parts cannot be mixed "
                "with new ones. Repeat the command it was started with, choose another --out folder, or remove this "
                "one."
            )
    make_folder(out)
    write_json(path, facts)


def _facts(trials: Sequence[Trial], dataset: SegmentationDataset, settings: ExplainSettings) -> dict[str, Any]:
    return {
        "software": f"prismseg {VERSION}",
        "code": sources_digest("prismseg.explain.work"),
        "dataset": dataset.root.name,
        "networks": [_digest(trial.predictor) for trial in trials],
        "cases": [{dataset.ids[index]: _content(dataset, index) for index in trial.cases} for trial in trials],
        "settings": {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()
        },
    }


def _content(dataset: SegmentationDataset, index: int) -> str:
    """Hash of a case's pixels, labels and group."""
    sample = dataset[index]
    digest = hashlib.sha256(repr((sample.image.dtype.str, sample.image.shape, dataset.groups[index])).encode())
    digest.update(np.ascontiguousarray(sample.image).tobytes())
    digest.update(np.ascontiguousarray(_mask_of(sample)).tobytes())
    return digest.hexdigest()[:16]


def _mask_of(sample: Sample) -> NDArray[np.uint8]:
    if sample.mask is None:
        raise DataError(f"{sample.image_path} has no mask, so nothing can be said of where its evidence lies.")
    return sample.mask


def _digest(predictor: Predictor) -> str:
    model = predictor.model
    digest = hashlib.sha256(json.dumps([model.config, model.metadata], sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def collect(
    out: Path,
    trials: Sequence[Trial],
    dataset: SegmentationDataset,
    settings: ExplainSettings,
    *,
    show_progress: bool,
) -> dict[str, Collected]:
    """Explain every case for every region; parts that lie in ``out/parts`` already are not computed again."""
    make_folder(out / "parts")
    total = len(settings.regions) * sum(len(trial.cases) for trial in trials)
    found: dict[str, list[Collected]] = {region: [] for region in settings.regions}
    done = 0
    with progress_bar("explaining", total, visible=show_progress) as advance:
        for number, trial in enumerate(trials):
            atlases = {region: settings.atlas(trial.predictor, region) for region in settings.regions}
            for batch in _batches(trial, dataset, settings.memory):
                loaded: Batch | None = None
                for region in settings.regions:
                    path = out / "parts" / f"{region}-{number}-{batch[0]:06d}.npz"
                    part = Collected.read(path) if path.exists() else None
                    if part is None or part.ids != tuple(dataset.ids[index] for index in batch):
                        # There is none, or batches had another size when the work was cut.
                        loaded = loaded or load_batch(trial.predictor, dataset, batch)
                        part = _explain(atlases[region], loaded)
                        part.write(path)
                    found[region].append(part)
                    done += len(batch)
                    advance(done, region)
    return {region: Collected.join(parts) for region, parts in found.items()}


def _batches(trial: Trial, dataset: SegmentationDataset, memory: float) -> Iterator[list[int]]:
    cases = list(trial.cases)
    if not cases:
        return
    predictor = trial.predictor
    if predictor.preprocess.fit == "area":
        # Each image has a shape of its own, so none can share a batch.
        yield from ([case] for case in cases)
        return
    example = predictor.preprocess.image_tensor(dataset[cases[0]].image)[None].to(predictor.device)
    size = min(LARGEST_BATCH, images_within(memory, predictor.model, example))
    for begin in range(0, len(cases), size):
        yield cases[begin : begin + size]


def _explain(atlas: Atlas, batch: Batch) -> Collected:
    atlas.reset()
    atlas.update(batch.images, batch.masks, groups=batch.groups, ids=batch.ids)
    return atlas.collected()
