"""Optimisers over a network's parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from prismseg.train.config import OptimConfig
from prismseg.train.registries import OPTIMIZERS


def create_optimizer(config: OptimConfig, network: nn.Module, beside: Iterable[nn.Parameter] = ()) -> Optimizer:
    """Optimiser over the trainable parameters, and those `beside` them; only weights of two or more dimensions decay.

    Biases, normalisation parameters, phases and log scales are exempt: pulling a phase towards zero would
    undo its uniform law. Each group's `lr_factor` is its learning rate in units of the run's.
    """
    trainable = [parameter for parameter in (*network.parameters(), *beside) if parameter.requires_grad]
    parts = [(trainable, 1.0)]
    if config.encoder_lr_factor != 1:
        encoder = {id(parameter) for parameter in network.get_submodule("encoder").parameters()}
        parts = [
            ([p for p in trainable if id(p) not in encoder], 1.0),
            ([p for p in trainable if id(p) in encoder], config.encoder_lr_factor),
        ]
    groups = [
        {"params": [p for p in parameters if (p.ndim > 1) == decays], "weight_decay": decay, "lr_factor": factor}
        for parameters, factor in parts
        for decays, decay in ((True, config.weight_decay), (False, 0.0))
    ]
    return OPTIMIZERS[config.optimizer](groups, config)


def make_adamw(groups: list[dict[str, Any]], config: OptimConfig) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return AdamW(groups, lr=config.lr)


def make_adam(groups: list[dict[str, Any]], config: OptimConfig) -> Optimizer:
    """Adam (Kingma & Ba 2015); weight decay is added to the gradient."""
    return Adam(groups, lr=config.lr)


def make_sgd(groups: list[dict[str, Any]], config: OptimConfig) -> Optimizer:
    """Stochastic gradient descent, with Nesterov momentum unless the momentum is 0."""
    return SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)
