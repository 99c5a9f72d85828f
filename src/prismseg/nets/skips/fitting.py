"""Data-dependent initialisation: layers that take scale or frequencies from what reaches them, before training."""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from prismseg.nets.initial import stream_seed


@runtime_checkable
class FittedLayer(Protocol):
    """A module that fits itself to its input.

    Attributes
    ----------
    fits_data : bool
        Whether it does.
    """

    @property
    def fits_data(self) -> bool: ...  # noqa: D102

    def fit_(self, x: Tensor, generator: torch.Generator | None = None) -> None:
        """Fit to an input as it reaches the layer, (B, C, H, W)."""


def layers_to_fit(network: nn.Module) -> list[str]:
    """List the names of the layers of a network that `fit_to_data` fits.

    Examples
    --------
    >>> from prismseg.nets import create_model
    >>> layers_to_fit(create_model("fcn", "crffg_whitened", width=0.25)), layers_to_fit(create_model("fcn", width=0.25))
    (['skips.0', 'skips.1'], [])
    """
    layers: dict[str, nn.Module] = dict(network.named_modules())
    return [name for name, layer in layers.items() if isinstance(layer, FittedLayer) and layer.fits_data]


def fit_to_data(network: nn.Module, images: Tensor, *, seed: int = 0) -> list[str]:
    """Fit the layers of a network to images, each before it first runs, to what the layers before it make of them.

    As in Mishkin & Matas 2016 ("All you need is a good init", algorithm 1), one forward pass in training mode. Everything
    but the fitted layers is left as it is: running statistics, modes, torch's global generator.

    Parameters
    ----------
    network : nn.Module
        With modules such as `FittedLayer` describes.
    images : (B, C, H, W) Tensor
        Of the first batch, prepared for the network.
    seed : int
        Each layer draws from a stream of its own, which its name and this seed determine.

    Returns
    -------
    list of str
        Names of the layers that were fitted, in the order in which they run.

    Examples
    --------
    >>> from prismseg.nets import create_model
    >>> network = create_model("unet", "crffg_multiscale", width=0.5, seed=0)
    >>> fit_to_data(network, torch.rand(2, 1, 32, 32))[-1]
    'skips.0.2'
    """
    waiting = layers_to_fit(network)
    if not waiting:
        return []
    probe, fitted = copy.deepcopy(network).train(), list[str]()
    for name in waiting:
        probe.get_submodule(name).register_forward_pre_hook(_Fit(name, seed, fitted))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        probe(images)
    for name in fitted:
        network.get_submodule(name).load_state_dict(probe.get_submodule(name).state_dict())
    return fitted


class _Fit:
    """Hook that fits a layer to the first input it gets."""

    def __init__(self, name: str, seed: int, fitted: list[str]) -> None:
        self.name, self.seed, self.fitted = name, seed, fitted

    def __call__(self, layer: Any, inputs: tuple[Tensor, ...]) -> None:
        if self.name not in self.fitted:
            generator = torch.Generator().manual_seed(stream_seed(self.seed, f"{self.name}/fit"))
            layer.fit_(inputs[0], generator)
            self.fitted.append(self.name)
