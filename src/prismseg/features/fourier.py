"""What dense and convolutional random Fourier features share: weights, phases, scale and the cosine."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.features.presets import FourierSettings
from prismseg.features.spectral import sample_frequencies, sample_phases

# Above this quantile heavy-tailed filters are not drawn when they will be trained.
TRAINED_TAIL = 0.99
LOG_SCALE_LIMIT = 20.0


class FourierFeatures(nn.Module):
    """Random frequencies, phases and a length scale; subclasses say what the linear map is.

    Attributes
    ----------
    weight : Tensor
        Frequencies at unit scale, (Q, …) for mapping "cos", (Q / 2, …) for "paired".
    bias : (Q,) Tensor or None
        Phases; None for "paired" and for the arc-cosine kernel.
    log_scale : scalar Tensor
        Logarithm of sigma, so that training keeps sigma positive.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    log_scale: Tensor

    def __init__(
        self,
        out_features: int,
        weight_shape: tuple[int, ...],
        settings: FourierSettings,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        if settings.mapping == "paired" and out_features % 2:
            raise ConfigError(f"A paired map needs an even number of features, not {out_features}.")
        self.out_features = out_features
        self.settings = settings
        self.fan_in = math.prod(weight_shape)
        filters = out_features // 2 if settings.mapping == "paired" else out_features
        weight = sample_frequencies(
            settings.kernel,
            filters,
            self.fan_in,
            orthogonal=settings.orthogonal,
            truncate=TRAINED_TAIL if settings.trainable_weight else None,
            generator=generator,
        ).reshape(filters, *weight_shape)
        self.weight = nn.Parameter(weight, requires_grad=settings.trainable_weight)
        has_phase = settings.mapping == "cos" and settings.kernel != "arccosine"
        if has_phase:
            phases = sample_phases(filters, stratified=settings.stratified, generator=generator)
            self.bias = nn.Parameter(phases, requires_grad=settings.trainable_weight)
        else:
            self.register_parameter("bias", None)
        log_scale = torch.tensor(math.log(settings.scale * math.sqrt(self.fan_in)))
        if settings.trainable_scale:
            self.log_scale = nn.Parameter(log_scale)
        else:
            self.register_buffer("log_scale", log_scale)

    @property
    def scale(self) -> Tensor:
        """Length scale sigma, a positive finite scalar tensor whatever steps an optimiser takes."""
        return self.log_scale.clamp(-LOG_SCALE_LIMIT, LOG_SCALE_LIMIT).exp()

    def frequencies(self) -> Tensor:
        """Frequencies omega = weight / sigma, of the shape of `weight`."""
        return self.weight / self.scale

    def amplitude(self) -> float:
        """Constant factor on the cosines."""
        if self.settings.amplitude == "none":
            return 1.0
        return math.sqrt(2.0 if self.settings.amplitude == "unit" else 2.0 / self.out_features)

    def activate(self, projection: Tensor) -> Tensor:
        """Turn omega x + b (without phase: omega x), feature dimension 1, into features, in float32."""
        amplitude = self.amplitude()
        if self.settings.kernel == "arccosine":
            features = torch.relu(projection) * amplitude
        elif self.settings.mapping == "paired":
            features = torch.cat([torch.cos(projection), torch.sin(projection)], dim=1) * amplitude
        else:
            features = scaled_cosine(projection, amplitude)
        return features * mass_factor(self.weight) if self.settings.mass else features


class _ScaledCosine(torch.autograd.Function):
    """``amplitude * cos(x)`` that keeps one tensor and makes one in each direction."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, amplitude: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.amplitude = amplitude  # type: ignore[attr-defined]
        return torch.cos(x).mul_(amplitude)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return torch.sin(x).mul_(gradients[0]).mul_(-ctx.amplitude), None  # type: ignore[attr-defined]


def scaled_cosine(x: Tensor, amplitude: float) -> Tensor:
    """``amplitude * cos(x)``; a compiler fuses the plain form, eager mode profits from the short one."""
    if torch.compiler.is_compiling():
        return torch.cos(x) * amplitude
    result: Tensor = _ScaledCosine.apply(x, amplitude)  # type: ignore[no-untyped-call]
    return result


def mass_factor(weight: Tensor) -> Tensor:
    """Factor "mass" of the thesis's published code.

    The square root of the trapezoidal integral of the normal density with the mean and standard deviation of
    the filter norms, over the sorted norms: 0.94–1.0 for random filters. Where all norms are equal, for which
    the original is undefined, it is 1.

    Parameters
    ----------
    weight : (Q, …) Tensor
        Filters.

    Returns
    -------
    scalar Tensor
    """
    norms = weight.flatten(1).norm(dim=1).sort().values
    deviation = norms.std(correction=0)
    safe = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    density = torch.exp(-0.5 * ((norms - norms.mean()) / safe) ** 2) / (safe * math.sqrt(2 * math.pi))
    mass = torch.trapezoid(density, norms).sqrt()
    return torch.where(deviation > 0, mass, torch.ones_like(mass))
