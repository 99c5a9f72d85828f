"""Training of a network of the Fashion-MNIST study, and the choice of its learning rates on a held-out part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.features.fourier import FourierFeatures
from prismseg.nets import create_classifier
from prismseg.study.kinds.fashion.settings import FashionSettings
from prismseg.train.config import OptimConfig
from prismseg.train.optimization.optimizers import create_optimizer
from prismseg.train.optimization.schedules import learning_rate

CHUNK = 250  # images that are classified at once


@dataclass(frozen=True)
class Rates:
    """Learning rate, and that of frequencies and phases of random Fourier layers in units of it."""

    lr: float
    weight_rate: float = 1.0


@dataclass(frozen=True)
class Trial:
    """How a pair of rates did on the held-out images.

    Attributes
    ----------
    lr, weight_rate : float
        As in `Rates`.
    accuracy : float
        Share of the held-out images that are right.
    loss : float
        Their mean cross-entropy; infinite where the training diverged.
    """

    lr: float
    weight_rate: float
    accuracy: float
    loss: float


def train_network(
    settings: FashionSettings, images: Tensor, labels: Tensor, classes: int, rates: Rates
) -> nn.Module:
    """Train a network by cross-entropy; the steps are those of `settings.images` images.

    Parameters
    ----------
    settings : FashionSettings
        Method, seed, length and batches.
    images : (N, 1, H, W) Tensor
        Normalised.
    labels : (N,) Tensor
        Their classes.
    classes : int
        How many there are.
    rates : Rates
        Peaks of the learning rates.

    Returns
    -------
    nn.Module
        In evaluation mode.
    """
    network = create_classifier(settings.method, classes=classes, preset=settings.preset, seed=settings.seed)
    config = OptimConfig(lr=rates.lr, weight_decay=settings.weight_decay)
    for layer in network.modules():
        if isinstance(layer, FourierFeatures):
            layer.settings = replace(layer.settings, weight_rate=rates.weight_rate)
    optimizer = create_optimizer(config, network)
    # A generator of its own: all methods see the same images in the same order.
    order = torch.Generator().manual_seed(settings.seed)
    queue = torch.empty(0, dtype=torch.int64)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = group["lr_factor"] * learning_rate(config.schedule, step, settings.steps, rates.lr)
        while len(queue) < settings.batch_size:
            queue = torch.cat([queue, torch.randperm(len(images), generator=order)])
        batch, queue = queue[: settings.batch_size], queue[settings.batch_size :]
        x = images[batch]
        if settings.mirror:
            x = torch.where(torch.rand(len(x), 1, 1, 1, generator=order) < 0.5, x.flip(-1), x)
        loss = F.cross_entropy(network(x), labels[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


@torch.no_grad()
def network_logits(network: nn.Module, images: Tensor) -> Tensor:
    """Logits (N, classes) of images (N, 1, H, W), a few at a time."""
    return torch.cat([network(x) for x in torch.split(images, CHUNK)])


def try_rates(settings: FashionSettings, images: Tensor, labels: Tensor, classes: int) -> list[Trial]:
    """Train with each pair of rates on the first images, and classify the rest of them.

    Parameters
    ----------
    settings : FashionSettings
        As of the final training; `held_out` is the share of the images that is kept back.
    images : (N, 1, H, W) Tensor
        Training images in the order of `prismseg.study.kinds.fashion.run.nested_subset`, so that the images kept back are
        as balanced over classes as the others.
    labels : (N,) Tensor
        Their classes.
    classes : int
        How many there are.

    Returns
    -------
    list of Trial
        Each of `settings.weight_rates` with each of `settings.rates`.
    """
    kept = len(images) - max(1, round(len(images) * settings.held_out))
    trials = []
    for rate, weight_rate in product(settings.rates, settings.weight_rates):
        network = train_network(settings, images[:kept], labels[:kept], classes, Rates(rate, weight_rate))
        logits = network_logits(network, images[kept:])
        finite = bool(logits.isfinite().all())
        loss = float(F.cross_entropy(logits, labels[kept:])) if finite else torch.inf
        accuracy = float((logits.argmax(1) == labels[kept:]).double().mean()) if finite else 0.0
        trials.append(Trial(rate, weight_rate, accuracy, loss))
    return trials


def best_rates(trials: list[Trial]) -> Rates:
    """Rates with the highest accuracy; of equals, those with the lowest cross-entropy.

    Examples
    --------
    >>> best_rates([Trial(0.001, 1, 0.5, 1.3), Trial(0.01, 1, 0.6, 1.4), Trial(0.01, 10, 0.6, 1.2)])
    Rates(lr=0.01, weight_rate=10)
    """
    best = min(trials, key=lambda trial: (-trial.accuracy, trial.loss))
    return Rates(best.lr, best.weight_rate)
