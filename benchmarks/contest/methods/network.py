"""The training loop that the peers' networks share: steps or seconds, rates that fall, a curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from contest.task import Segmenter, Task
from prismseg.data import Preprocess

CURVE = 16  # points of a curve


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    network : nn.Module
    preprocess : Preprocess
        From an image to the tensor that `normalize` takes.
    normalize : function of a tensor that returns one
        What the network gets of it.
    augment : function of (images, masks) that returns the same, altered
        Of a batch, before `normalize`.
    loss : function of (output, masks)
    optimizer : Optimizer
    decay : function of the share of the training that is done
        Factor on the learning rates.
    batch : int
    steps : int
        Where no seconds are given.
    clip : float, optional
        Norm of the gradient.
    predict : function of (network, images) that returns logits (B, K, H, W)
    """

    network: nn.Module
    preprocess: Preprocess
    normalize: Callable[[Tensor], Tensor]
    augment: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    decay: Callable[[float], float]
    batch: int
    steps: int
    clip: float | None = None
    predict: Callable[[nn.Module, Tensor], Tensor] = lambda network, images: network(images)


def train_network(task: Task, training: Training) -> int:
    """Train on `task.seconds`, or for the steps of the recipe; return how many steps were done.

    Each epoch shows every image once, in random order; the last batch of one is filled from the next.
    """
    images, masks = task.arrays(training.preprocess)
    network = training.network.to(task.device, memory_format=torch.channels_last)
    rates = [group["lr"] for group in training.optimizer.param_groups]
    rng = np.random.default_rng(task.seed)
    order: list[int] = []
    total = max(1, round(training.steps * task.stretch))
    step, shown = 0, 0
    segment = make_segmenter(network, training, task.device)
    while True:
        share = step / total if task.seconds is None else task.clock.used() / task.seconds
        if share * CURVE >= shown + 1 or share >= 1:
            shown = int(share * CURVE)
            task.watch(step, segment)
        if share >= 1:
            return step
        while len(order) < training.batch:
            order += rng.permutation(len(images)).tolist()
        chosen, order = order[: training.batch], order[training.batch :]
        for group, rate in zip(training.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * training.decay(share)
        network.train()
        batch, truth = training.augment(images[chosen].to(task.device), masks[chosen].to(task.device))
        batch = training.normalize(batch).to(memory_format=torch.channels_last)
        training.optimizer.zero_grad()
        training.loss(network(batch), truth).backward()
        if training.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), training.clip)
        training.optimizer.step()
        step += 1


def make_segmenter(network: nn.Module, training: Training, device: str) -> Segmenter:
    """Make a function from images to masks at their own size: probabilities are enlarged, then the largest is taken."""

    @torch.inference_mode()
    def segment(image):  # type: ignore[no-untyped-def]
        network.eval()
        tensor = training.normalize(training.preprocess.image_tensor(image)[None].to(device))
        probabilities = training.predict(network, tensor.to(memory_format=torch.channels_last)).softmax(1)
        full = F.interpolate(probabilities, size=image.shape[:2], mode="bilinear", align_corners=False)
        return full[0].argmax(0).to(torch.uint8).cpu().numpy()

    return segment
