"""Named settings of the random Fourier layers, and what each setting may be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from prismseg.base import ConfigError
from prismseg.features.kernels import require_kernel

CHOICES = {
    "mapping": ("cos", "paired"),
    "padding_mode": ("reflect", "replicate", "zeros", "none"),
    "normalization": ("batch", "rms", "none"),
    "amplitude": ("unit", "kernel", "none"),
    "scale_unit": ("critical", "fan_in"),
}
# Above this quantile heavy-tailed filters are not drawn when they will be trained or must have a second moment.
TRUNCATED_TAIL = 0.99


@dataclass(frozen=True)
class FourierSettings:
    """How a random Fourier layer draws, scales and trains its features.

    Attributes
    ----------
    kernel : str
        Kernel whose spectral density the weights are drawn from.
    scale : float
        Dimensionless s, the length scale sigma in units of `scale_unit`.
    scale_unit : {"critical", "fan_in"}
        "critical": sigma = s sqrt(n m), with fan-in n and m the mean square of the kernel's frequencies
        (`second_moment`); for inputs of rms 1, s = 1 keeps gradients at their size from layer to layer, whatever the
        kernel. "fan_in": sigma = s sqrt(n). Both are one for the Gaussian and arc-cosine kernels, where m = 1.
    mapping : {"cos", "paired"}
        ``cos(w x + b)``, or ``[cos(w x), sin(w x)]`` with half as many filters.
    orthogonal, stratified : bool
        Orthogonal frequencies; evenly spread phases.
    trainable_weight, trainable_scale : bool
        Whether gradient descent changes weights and phases; whether it changes log sigma.
    padding_mode : {"reflect", "replicate", "zeros", "none"}
        Border of convolutions; "none" gives a smaller output.
    normalization : {"batch", "rms", "none"}
        Of the *input*, so that s means something: batch statistics a channel, or one rms a case.
    amplitude : {"unit", "kernel", "none"}
        Factor on the cosine: sqrt(2) (output of rms 1), sqrt(2 / Q) (inner products approximate the kernel), 1.
    mass : bool
        Factor of the thesis's code, see `mass_factor`.
    """

    kernel: str = "gaussian"
    scale: float = 1.0
    scale_unit: str = "critical"
    mapping: str = "cos"
    orthogonal: bool = False
    stratified: bool = True
    trainable_weight: bool = True
    trainable_scale: bool = False
    padding_mode: str = "reflect"
    normalization: str = "rms"
    amplitude: str = "unit"
    mass: bool = False

    @property
    def truncate(self) -> float | None:
        """Quantile below which frequencies are drawn; None for the kernel's whole law."""
        return TRUNCATED_TAIL if self.trainable_weight or self.scale_unit == "critical" else None


PRESETS = {
    "default": FourierSettings(),
    # sqrt(2 n) is the median distance between white patches; `fit_scale_` puts the data's own in its place.
    "frozen": FourierSettings(
        scale=math.sqrt(2),
        scale_unit="fan_in",
        mapping="paired",
        orthogonal=True,
        trainable_weight=False,
        trainable_scale=True,
        normalization="none",
        amplitude="kernel",
    ),
    # As its published code computes it; amplitude "none" is the form of its equations.
    "thesis": FourierSettings(
        scale=math.sqrt(0.5),
        scale_unit="fan_in",
        stratified=False,
        padding_mode="zeros",
        normalization="none",
        amplitude="kernel",
    ),
}


def choose_settings(preset: str, **changes: str | float | bool | None) -> FourierSettings:
    """Choose the settings of `preset`, changed by those of `changes` that are not None.

    Raises
    ------
    ConfigError
        For an unknown preset, kernel or choice, a scale that is not positive, or a pair of settings that
        contradict each other.
    """
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    chosen = {name: value for name, value in changes.items() if value is not None}
    settings = replace(PRESETS[preset], **chosen)  # type: ignore[arg-type]
    require_kernel(settings.kernel)
    for name, allowed in CHOICES.items():
        if getattr(settings, name) not in allowed:
            raise ConfigError(f"{name} is {getattr(settings, name)!r}; choose one of {', '.join(allowed)}.")
    if not 0 < settings.scale < math.inf:
        raise ConfigError(f"scale is {settings.scale}; it must be a positive number.")
    if settings.kernel == "arccosine" and settings.mapping == "paired":
        raise ConfigError("The arc-cosine kernel has no paired map; choose mapping='cos'.")
    return settings
