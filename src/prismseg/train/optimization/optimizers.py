"""Optimisers over a network's parameters."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from prismseg.train.config import OptimConfig
from prismseg.train.registries import OPTIMIZERS


def create_optimizer(config: OptimConfig, network: nn.Module) -> Optimizer:
    """Optimiser over the trainable parameters; only weights of two or more dimensions decay.

    Biases, normalisation parameters, phases and log scales are exempt: pulling a phase towards zero would
    undo its uniform law.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
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
