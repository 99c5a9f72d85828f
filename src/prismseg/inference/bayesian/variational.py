"""Variational frequencies of a trained network: how far each may turn without the training images being told worse.

The means of the frequencies and all other weights stay as they were trained; what is fitted are the standard
deviations, by the evidence lower bound: the cross-entropy of the network with *expected* features (no sampling)
plus the divergence from the spectral prior. As for the last layer, pixels of an image are alike, and one factor on
all variances is chosen by cases that the network did not learn from. Maps come of draws of all frequencies.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from prismseg.base import ConfigError, DataError, ModelError, write_bytes, write_json
from prismseg.data import IGNORE, SegmentationDataset
from prismseg.features import CRFFg2d
from prismseg.features.bayesian import VariationalCRFFg2d
from prismseg.inference.bayesian.last_layer import enlarge_draws, reading_fit
from prismseg.inference.margins import fingerprint
from prismseg.inference.predictor import Predictor
from prismseg.nets import SegmentationModel, class_probabilities

DRAWS, STEPS, RATE = 16, 80, 0.05
INFLATIONS = tuple(4.0**power for power in range(-1, 5))


@dataclass(frozen=True, eq=False)
class VariationalFrequencies:
    """Distribution of the frequencies of a network's CRFFg layers.

    Attributes
    ----------
    log_deviations : dict of str to Tensor
        By layer, before the inflation.
    inflation : float
        Factor on all variances.
    network : str
        Fingerprint of the network.
    notes : tuple of str
        What a reader has to know.
    """

    log_deviations: dict[str, Tensor]
    inflation: float
    network: str
    notes: tuple[str, ...] = field(default=())

    def save(self, folder: str | Path) -> Path:
        """Write ``variational.safetensors`` and ``variational.json``."""
        path = Path(folder) / "variational.safetensors"
        write_bytes(path, save({name: each.contiguous() for name, each in self.log_deviations.items()}))
        facts = {"inflation": self.inflation, "network": self.network, "notes": list(self.notes)}
        write_json(path.with_suffix(".json"), facts)
        return path

    @classmethod
    def load(cls, folder: str | Path) -> VariationalFrequencies:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            When it is not there or damaged.
        """
        path = Path(folder) / "variational.safetensors"
        again = "prismseg uncertainty RUN --kind variational."
        missing = f"There are no variational frequencies in {folder}; fit them: {again}"
        with reading_fit(path, missing, f"fit it again: {again}") as (tensors, facts):
            return cls(tensors, facts["inflation"], facts["network"], tuple(facts["notes"]))

    def spread(self, predictor: Predictor) -> Predictor:
        """Make a predictor of a copy of the network whose layers have these distributions.

        Raises
        ------
        ConfigError
            When they are of another network.
        """
        if fingerprint(predictor) != self.network:
            raise ConfigError(
                "These variational frequencies were fitted for another network (or without mirroring, or with it); fit "
                "them again: prismseg uncertainty RUN --kind variational."
            )
        return Predictor(self._spread(predictor.model), mirror=predictor.mirror, device=predictor.device)

    def _spread(self, model: SegmentationModel) -> SegmentationModel:
        copied = spread_frequencies(model)
        with torch.no_grad():
            for name, layer in variational_layers(copied).items():
                layer.log_deviation.copy_(self.log_deviations[name] + np.log(self.inflation) / 2)
        return copied


def fit_variational(
    predictor: Predictor,
    dataset: SegmentationDataset,
    train: Sequence[int],
    validation: Sequence[int] = (),
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> VariationalFrequencies:
    """Fit the deviations of the frequencies of a trained network.

    Parameters
    ----------
    predictor : Predictor
        Of a network with CRFFg layers of the Gaussian kernel.
    dataset : SegmentationDataset
        With the classes of the network, in its order.
    train : sequence of int
        Cases that the network has learnt from.
    validation : sequence of int
        Cases that it has not learnt from, by which the inflation is chosen; without any it is 1, and a note says so.
    steps : int
        Steps of Adam, one image each.
    seed : int
        Of the order of the images.

    Raises
    ------
    ModelError
        When the network has no CRFFg layer.
    ConfigError
        When one has another kernel.
    DataError
        When there is no training case, or a case has no mask.
    """
    if not train:
        raise DataError("There is no training case, so no frequencies can be fitted.")
    network = spread_frequencies(predictor.model)
    layers = variational_layers(network)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    deviations = [layer.log_deviation.requires_grad_(True) for layer in layers.values()]
    optimizer = torch.optim.Adam(deviations, lr=RATE)
    order = np.random.default_rng(seed)
    prepared = [_prepare(predictor, dataset, index) for index in train]
    pixels = sum(int((target != IGNORE).sum()) for _, target in prepared)
    for _ in range(steps):
        x, target = prepared[int(order.integers(len(prepared)))]
        loss = _cross_entropy(network(x), target)
        divergence = torch.stack([layer.kl() for layer in layers.values()]).sum()
        optimizer.zero_grad()
        (loss + divergence / pixels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    fitted = VariationalFrequencies(
        {name: layer.log_deviation.detach().cpu().clone() for name, layer in layers.items()},
        1.0,
        fingerprint(predictor),
    )
    if not validation:
        return replace(
            fitted,
            notes=("No case was left to choose the inflation by; it is 1, and the variances are too small.",),
        )
    losses = {
        each: _held_out_loss(replace(fitted, inflation=each), predictor, dataset, validation)
        for each in INFLATIONS
    }
    best = min(losses, key=lambda each: losses[each])
    return replace(
        fitted,
        inflation=best,
        notes=(f"The inflation {best:g} is the best for {len(validation)} cases the network did not learn from.",),
    )


def spread_frequencies(model: SegmentationModel) -> SegmentationModel:
    """Copy a network, with `VariationalCRFFg2d` in the place of each CRFFg layer.

    Raises
    ------
    ModelError
        When it has none.
    ConfigError
        When one has no normal prior.
    """
    copied = copy.deepcopy(model)
    names = [name for name, layer in copied.named_modules() if isinstance(layer, CRFFg2d)]
    if not names:
        raise ModelError(
            "The network has no CRFFg layer, so no frequencies that could vary; train one with --skip crffg."
        )
    for name in names:
        parent, _, child = name.rpartition(".")
        layer = copied.get_submodule(name)
        assert isinstance(layer, CRFFg2d)  # it was found as one
        setattr(copied.get_submodule(parent), child, VariationalCRFFg2d.of(layer))
    return copied.eval()


def variational_layers(network: nn.Module) -> dict[str, VariationalCRFFg2d]:
    """Layers with variational frequencies, by name."""
    return {name: each for name, each in network.named_modules() if isinstance(each, VariationalCRFFg2d)}


@contextmanager
def drawn(network: nn.Module, number: int) -> Iterator[None]:
    """Let every layer use the frequencies of draw `number`, which are always the same."""
    layers = variational_layers(network)
    generator = torch.Generator().manual_seed(number)
    try:
        for layer in layers.values():
            layer.draw_(generator)
        yield
    finally:
        for layer in layers.values():
            layer.expect_()


def draw_frequencies(
    spread: Predictor, image: NDArray[np.generic], draws: int = DRAWS
) -> tuple[NDArray[np.float32], list[float]]:
    """Probabilities (M, K, H, W) of an image for draws of all frequencies, and their weights.

    Parameters
    ----------
    spread : Predictor
        Of `VariationalFrequencies.spread`.
    image : (H, W, C) array
        The image at its own size.
    draws : int
        M.
    """
    batch, found = spread.preprocess.image_tensor(image)[None], []
    for number in range(draws):
        with drawn(spread.model, number):
            found.append(enlarge_draws(spread.probabilities(batch), spread, image))
    return np.concatenate(found), [1 / draws] * draws


def _held_out_loss(
    fitted: VariationalFrequencies, predictor: Predictor, dataset: SegmentationDataset, cases: Sequence[int]
) -> float:
    spread, losses = fitted.spread(predictor), []
    for index in cases:
        x, target = _prepare(predictor, dataset, index)
        draws = []
        for number in range(DRAWS // 2):
            with drawn(spread.model, number), torch.no_grad():
                draws.append(class_probabilities(spread.model(x)))
        losses.append(float(_negative_log(torch.stack(draws).mean(0).clamp_min(1e-12).log(), target)))
    return float(np.mean(losses))


def _prepare(predictor: Predictor, dataset: SegmentationDataset, index: int) -> tuple[Tensor, Tensor]:
    sample = dataset[index]
    if sample.mask is None:
        raise DataError(f"{sample.image_path} has no mask, so no frequencies can be fitted by it.")
    x = predictor.preprocess.image_tensor(sample.image)[None].to(predictor.device)
    return x, predictor.preprocess.mask_tensor(sample.mask)[None].long().to(predictor.device)


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    if logits.shape[1] == 1:
        both = nn.functional.logsigmoid(torch.cat([-logits, logits], 1))
    else:
        both = torch.log_softmax(logits, 1)
    return _negative_log(both, target)


def _negative_log(log_probabilities: Tensor, target: Tensor) -> Tensor:
    return nn.functional.nll_loss(log_probabilities, target, ignore_index=IGNORE)
