"""Optimisers over a network's parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from prismseg.features.fourier import FourierFeatures
from prismseg.train.config import OptimConfig
from prismseg.train.registries import OPTIMIZERS


def create_optimizer(config: OptimConfig, network: nn.Module, beside: Iterable[nn.Parameter] = ()) -> Optimizer:
    """Optimiser over the trainable parameters, and those `beside` them; only weights of two or more dimensions decay.

    Biases, normalisation parameters, phases and log scales are exempt: pulling a phase towards zero would
    undo its uniform law. Each group's `lr_factor` is its learning rate in units of the run's: that of the encoder, times
    that of Fourier features (`FourierSettings.weight_rate`).
    """
    trainable = [parameter for parameter in (*network.parameters(), *beside) if parameter.requires_grad]
    rates = {id(parameter): 1.0 for parameter in trainable}
    if config.encoder_lr_factor != 1:
        rates |= {id(p): config.encoder_lr_factor for p in network.get_submodule("encoder").parameters()}
    for module in network.modules():
        if isinstance(module, FourierFeatures):
            for parameter in (module.weight, module.bias):
                if id(parameter) in rates:
                    rates[id(parameter)] *= module.settings.weight_rate
    factors = dict.fromkeys((1.0, config.encoder_lr_factor, *rates.values()))
    groups = [
        {
            "params": [p for p in trainable if (p.ndim > 1) == decays and rates[id(p)] == factor],
            "weight_decay": decay,
            "lr_factor": factor,
        }
        for factor in factors
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
