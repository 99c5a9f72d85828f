"""Whether a network can learn: how signals and gradients change in size from layer to layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from prismseg.base import ModelError
from prismseg.features.crffg import CRFFg2d

# Chosen on untrained networks at 64×64 pixels and stacks of ten layers of 64 features. In those of the default preset,
# with any kernel, layers have a gain between 0.39 and 1.8 and a contrast from 0.07 on, and gradients change by less than
# 10 from end to end; all of them learn. The published form has gains down to 0.0035, and its stack of ten layers, which
# does not learn, changes gradients by 2e-7.
GAIN_LIMIT = 8.0  # by how much a layer may change squared gradients, up or down
RATIO_LIMIT = 1e3  # by how much all layers together may change gradients
CONTRAST_FLOOR = 0.02  # of a layer whose output still depends on its input; reached at 50 times the critical scale


@dataclass(frozen=True)
class LayerState:
    """What one layer does to signals and gradients.

    Attributes
    ----------
    name : str
        Name of the layer in the model.
    rms : float
        Root mean square of its output.
    gain : float
        chi: mean squared change of an output for a unit mean squared change of the inputs,
        ``|J|²_F / (number of outputs)``; 1 is critical (Schoenholz et al. 2017, eq. 7).
    contrast : float
        Standard deviation of its output over positions and cases, over its rms; near 0 the output is
        constant and hides the input.
    """

    name: str
    rms: float
    gain: float
    contrast: float


@dataclass(frozen=True)
class CriticalityReport:
    """What `check_criticality` has measured.

    Attributes
    ----------
    layers : tuple of LayerState
        In order of execution.
    gradient_ratio : float
        Root mean square of the gradient at the first layer's output over that at the last one's.
    """

    layers: tuple[LayerState, ...]
    gradient_ratio: float

    @property
    def findings(self) -> list[str]:
        """What is wrong, one phrase each; empty for a healthy network."""
        found = []
        for layer in self.layers:
            if not 1 / GAIN_LIMIT <= layer.gain <= GAIN_LIMIT:
                found.append(f"{layer.name} changes squared gradients by {layer.gain:.2g} (1 is critical)")
            if layer.contrast < CONTRAST_FLOOR:
                found.append(f"{layer.name} hardly depends on its input (contrast {layer.contrast:.2g})")
        if not 1 / RATIO_LIMIT <= self.gradient_ratio <= RATIO_LIMIT:
            found.append(f"gradients change by {self.gradient_ratio:.2g} from the last layer to the first")
        return found

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def __str__(self) -> str:
        """Table of the layers, and the findings."""
        rows = [f"{'layer':<32}{'rms':>10}{'gain':>10}{'contrast':>10}"]
        rows += [f"{x.name:<32}{x.rms:>10.3g}{x.gain:>10.3g}{x.contrast:>10.3g}" for x in self.layers]
        rows.append(f"gradient ratio first/last {self.gradient_ratio:.3g}")
        return "\n".join([*rows, *(self.findings or ["critical: signals and gradients keep their size"])])


def check_criticality(
    model: nn.Module, images: Tensor, *, layers: tuple[type[nn.Module], ...] = (CRFFg2d,), seed: int = 0
) -> CriticalityReport:
    """Measure signals and gradients in every layer of a network at its present weights.

    Parameters
    ----------
    model : nn.Module
        Network that maps `images` to one tensor. Its mode, weights, gradients and buffers are left as they are.
    images : (B, C, H, W) Tensor
        Typical input.
    layers : tuple of types
        Which layers to look at; by default the CRFFg layers.
    seed : int
        Of the random directions along which gradients are measured.

    Returns
    -------
    CriticalityReport

    Raises
    ------
    ModelError
        When the model has no such layer on the path from `images` to its output.

    Examples
    --------
    >>> images = torch.rand(4, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    >>> widths = [1, *[64] * 10]
    >>> published = [CRFFg2d(before, after, preset="thesis") for before, after in zip(widths, widths[1:])]
    >>> check_criticality(nn.Sequential(*published), images).ok
    False
    """
    calls: list[tuple[str, nn.Module, Tensor, Tensor]] = []
    names = {module: name for name, module in model.named_modules() if isinstance(module, layers)}

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.retain_grad()
        calls.append((names[module], module, inputs[0].detach(), output))

    training = {module: module.training for module in model.modules()}
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    handles = [module.register_forward_hook(record) for module in names]
    generator = torch.Generator().manual_seed(seed)
    try:
        # Batch statistics are those of the given images; running ones of an untrained network mean nothing.
        model.train()
        with torch.enable_grad():
            output = model(images.detach().requires_grad_())
            if not calls:
                types = ", ".join(layer.__name__ for layer in layers)
                raise ModelError(f"No layer of type {types} runs in this model; name other `layers`.")
            cotangent = torch.randn(output.shape, generator=generator).to(output)
            gradients = torch.autograd.grad(output, [out for *_, out in calls], cotangent, allow_unused=True)
        for handle in handles:
            handle.remove()
        states = [_layer_state(name, module, x, out, generator) for name, module, x, out in calls]
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in training.items():
            module.training = mode
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])
    sizes = [_rms(gradient) for gradient in gradients if gradient is not None]
    if not sizes:
        raise ModelError("The output depends on none of the layers looked at; name other `layers`.")
    return CriticalityReport(tuple(states), sizes[0] / sizes[-1] if sizes[-1] > 0 else math.inf)


def _layer_state(
    name: str, module: nn.Module, x: Tensor, output: Tensor, generator: torch.Generator
) -> LayerState:
    with torch.enable_grad():
        inputs = x.clone().requires_grad_()
        outputs = module(inputs)
        # With a white cotangent v, E |J' v|² is |J|²_F.
        cotangent = torch.randn(outputs.shape, generator=generator).to(outputs)
        (gradient,) = torch.autograd.grad(outputs, inputs, cotangent)
    values = output.detach()
    rms = _rms(values)
    deviation = float(values.double().var(dim=(0, *range(2, values.ndim)), correction=0).mean().sqrt())
    return LayerState(
        name=name,
        rms=rms,
        gain=float(gradient.double().square().sum()) / outputs.numel(),
        contrast=deviation / rms if rms > 0 else 0.0,
    )


def _rms(x: Tensor) -> float:
    return float(x.detach().double().square().mean().sqrt())
