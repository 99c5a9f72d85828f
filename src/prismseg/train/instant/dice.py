"""Dice of all thresholds at once: what a class would gain or lose by an offset, counted in one pass over the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prismseg.data import IGNORE

# Offsets that are tried for each of many fits; their outputs lie between about -1 and 1, and shrink as the penalty grows.
OFFSETS = (
    torch.cat([side * torch.logspace(-2.5, 0.3, 30) for side in (-1.0, 1.0)] + [torch.zeros(1)]).sort().values
)
STEPS = 129  # of offsets that are tried for the chosen fit, between the margins that occur
SWEEPS = 3  # over the classes; a sweep that changes nothing is the last


@dataclass(frozen=True, eq=False)
class DiceCurves:
    """Dice of every image as the offset of one class changes, all others kept.

    Attributes
    ----------
    offsets : (T,) Tensor
        Offsets of the class.
    values : (N, T, K - 1) Tensor
        Dice of each image and foreground class; 1 where the class is neither there nor found.
    """

    offsets: Tensor
    values: Tensor

    def best(self) -> float:
        """Offset with the highest mean over the images and the classes; the middle one of equals."""
        means = self.values.mean(dim=(0, 2))
        ties = (means >= means.max() - 1e-9).nonzero().flatten()
        return float(self.offsets[ties[len(ties) // 2]])


def margin_dice(outputs: Tensor, mask: Tensor, offsets: Tensor = OFFSETS) -> Tensor:
    """Dice of each foreground class alone, by its offset, of several fits.

    A pixel is of class k where its output plus the offset is above all other outputs.

    Parameters
    ----------
    outputs : (M, K, N) Tensor
        Of M fits, for the pixels of one image.
    mask : (N,) Tensor
        Classes of the pixels; 255 where unknown.
    offsets : (T,) Tensor
        In ascending order.

    Returns
    -------
    (M, K - 1, T) Tensor

    Examples
    --------
    >>> outputs = torch.tensor([[[0.5, 0.5, 0.5], [0.9, 0.4, 0.1]]])  # margins of class 1: .4, -.1, -.4
    >>> margin_dice(outputs, torch.tensor([1, 1, 0]), torch.tensor([-1.0, 0.0, 0.2, 1.0])).flatten().tolist()
    [0.0, 0.6666666865348816, 1.0, 0.800000011920929]
    """
    known = mask != IGNORE
    truth, values = mask[known], outputs[:, :, known]
    fits, classes, steps = len(values), values.shape[1], len(offsets)
    curves = []
    for label in range(1, classes):
        others = torch.cat([values[:, :label], values[:, label + 1 :]], dim=1)
        # Found from the first offset on that exceeds the runner-up's lead.
        place = torch.searchsorted(offsets, others.amax(1) - values[:, label], right=True)
        target = (truth == label).long()
        index = (torch.arange(fits)[:, None] * (steps + 1) + place) * 2 + target
        counts = torch.bincount(index.flatten(), minlength=fits * (steps + 1) * 2).reshape(fits, steps + 1, 2)
        found = counts.cumsum(1)[:, :steps].float()
        curves.append(dice(found[..., 1], found.sum(-1), target.sum().float()))
    return torch.stack(curves, dim=1)


def dice(overlap: Tensor, found: Tensor, there: Tensor) -> Tensor:
    """Dice from numbers of pixels; 1 where the class is neither there nor found."""
    total = found + there
    return torch.where(total > 0, 2 * overlap / total.clamp(min=1), 1.0)


def image_dice(outputs: Tensor, mask: Tensor) -> Tensor:
    """Dice (K - 1,) of the foreground classes of one image, from outputs (K, ...) with their offsets."""
    known = mask != IGNORE
    found, truth = outputs.argmax(0)[known], mask[known]
    classes = range(1, len(outputs))
    return torch.stack(
        [
            dice(
                ((found == label) & (truth == label)).sum().float(),
                (found == label).sum().float(),
                (truth == label).sum().float(),
            )
            for label in classes
        ]
    )


def offset_curves(outputs: Sequence[tuple[Tensor, Tensor]], offsets: Tensor, label: int) -> DiceCurves:
    """Dice of images as the offset of class `label` changes.

    Parameters
    ----------
    outputs : sequence of ((K, N) Tensor, (N,) Tensor)
        Outputs and classes of the labelled pixels of each image.
    offsets : (K,) Tensor
        Of all classes; that of `label` is replaced.
    label : int
        The class.
    """
    leads = []
    for values, _ in outputs:
        shifted = values + offsets[:, None]
        shifted[label] = -torch.inf
        best, runner_up = shifted.max(0)
        leads.append((best - values[label], runner_up))
    lowest = min(float(lead.min()) for lead, _ in leads)
    highest = max(float(lead.max()) for lead, _ in leads)
    room = 1e-3 * max(highest - lowest, 1e-6)
    tried = torch.linspace(lowest - room, highest + room, STEPS)
    classes, curves = len(offsets), []
    for (lead, runner_up), (_, truth) in zip(leads, outputs, strict=True):
        place = torch.searchsorted(tried, lead, right=True)
        index = (place * classes + runner_up) * classes + truth
        counts = torch.bincount(index, minlength=(STEPS + 1) * classes**2).reshape(STEPS + 1, classes, classes)
        # Of pixels whose runner-up is j and whose class is c: those that the offset gives to `label`, and the rest.
        given = counts.cumsum(0)[:STEPS]
        rest = counts.sum(0) - given
        there = counts.sum((0, 1)).float()
        scores = []
        for cls in range(1, classes):
            if cls == label:
                overlap, found = given[:, :, cls].sum(1), given.sum((1, 2))
            else:
                overlap, found = rest[:, cls, cls], rest[:, cls].sum(1)
            scores.append(dice(overlap.float(), found.float(), there[cls]))
        curves.append(torch.stack(scores, dim=1))
    return DiceCurves(tried, torch.stack(curves))


def best_offsets(outputs: Sequence[tuple[Tensor, Tensor]], classes: int) -> Tensor:
    """Offsets (K,) of all classes with the highest mean Dice, one class after the other until none changes.

    With two classes this is the best offset of all that are tried; that of the background is 0.
    """
    offsets = torch.zeros(classes)
    for _ in range(SWEEPS):
        before = offsets.clone()
        for label in range(1, classes):
            offsets[label] = offset_curves(outputs, offsets, label).best()
        if bool((offsets == before).all()) or classes == 2:
            break
    return offsets
