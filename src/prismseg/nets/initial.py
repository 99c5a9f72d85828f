"""Initial weights: each module draws its own from a random stream that its name and the seed determine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from prismseg.base import ModelError

# Version of the rule by which a seed becomes weights. It is stored with trained networks, so that the weights they began
# with are drawn again by the same rule or not at all.
WEIGHT_STREAMS = 1


def draw_weights(
    network: nn.Module, seed: int, rule: Callable[[nn.Module], None] | None = None, *, prefix: str = ""
) -> None:
    """Draw all weights of `network`, those of each module from a random stream of its own.

    Two networks drawn with the same seed have the same weights in every module that has the same name and shape in both,
    whatever else is in them. Torch's global generator is left as it is.

    Parameters
    ----------
    network : nn.Module
        Network on the CPU, whose modules with parameters have a `reset_parameters` method, as torch's own do.
    seed : int
        At least 0.
    rule : callable, optional
        Applied to each such module after its `reset_parameters`, from the same stream; `initialize` for one.
    prefix : str
        Put before the names of modules, for a network that is a part of another.

    Raises
    ------
    ModelError
        When a module has parameters and no such method.

    Examples
    --------
    >>> small, large = nn.ModuleDict({"a": nn.Linear(2, 2)}), nn.ModuleDict({"b": nn.Linear(9, 9), "a": nn.Linear(2, 2)})
    >>> draw_weights(small, seed=3), draw_weights(large, seed=3)
    (None, None)
    >>> bool((small["a"].weight == large["a"].weight).all())
    True
    """
    state = torch.get_rng_state()
    try:
        for name, module in network.named_modules():
            if next(module.parameters(recurse=False), None) is None:
                continue
            if not hasattr(module, "reset_parameters"):
                raise ModelError(
                    f"The module {name!r} ({type(module).__name__}) has parameters and no method reset_parameters that "
                    "draws them."
                )
            torch.default_generator.manual_seed(stream_seed(seed, prefix + name))
            module.reset_parameters()
            if rule is not None:
                rule(module)
    finally:
        torch.set_rng_state(state)


def stream_seed(seed: int, name: str) -> int:
    """Seed of the random stream `name`: 63 bits of a hash, so that similar names and seeds have unrelated streams.

    Examples
    --------
    >>> stream_seed(0, "head") == stream_seed(0, "head"), stream_seed(0, "head") == stream_seed(1, "head")
    (True, False)
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def choose_seed(seed: int | None) -> int:
    """Return `seed`, or one drawn from torch's global generator where it is None."""
    return int(torch.randint(2**62, ())) if seed is None else seed


def initialize(module: nn.Module) -> None:
    """Draw the weights of a convolution as the default preset does; other modules are left as they are.

    Convolutions get He initialisation for a ReLU after them (He et al. 2015, eq. 10), ``std = sqrt(2 / n)`` with n inputs
    a filter, and no bias. Transposed convolutions that keep the number of channels start as bilinear up-sampling (Long et
    al. 2015, sec. 3.3), so that class scores reach the output from the first step on.

    Examples
    --------
    >>> convolution = nn.Conv2d(50, 400, 3)
    >>> initialize(convolution)
    >>> abs(convolution.weight.std().item() / math.sqrt(2 / 450) - 1) < 0.02
    True
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.ConvTranspose2d):
        if module.in_channels == module.out_channels:
            with torch.no_grad():
                module.weight.copy_(_bilinear(module))
        else:
            # Each output pixel sums over (kernel / stride)² taps of every input channel.
            taps = module.in_channels * math.prod(module.kernel_size) / math.prod(module.stride)
            nn.init.normal_(module.weight, std=math.sqrt(2 / taps))
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _bilinear(module: nn.ConvTranspose2d) -> Tensor:
    """Weights (C, C, k, k) of bilinear up-sampling, each channel from itself."""
    side, stride = module.kernel_size[0], module.stride[0]
    centre = (side - 1) / 2
    ramp = 1 - (torch.arange(side) - centre).abs() / stride
    tent = ramp.clamp_min(0)
    return torch.einsum("io,h,w->iohw", torch.eye(module.in_channels), tent, tent)
