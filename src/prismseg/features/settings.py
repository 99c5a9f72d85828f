"""Settings of the random Fourier layers, their named presets, and what each setting may be."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from prismseg.base import ConfigError
from prismseg.features.kernels import require_kernel

_CHOICES = {
    "mapping": ("cos", "paired"),
    "padding_mode": ("reflect", "replicate", "zeros", "none"),
    "normalization": ("batch", "rms", "none"),
    "amplitude": ("unit", "kernel", "none"),
    "scale_unit": ("critical", "fan_in"),
    "fit": ("nothing", "scale", "frequencies"),
}
# Heavy-tailed distributions are cut at this quantile of their mixing variable where frequencies are trained, or must have
# a second moment. With 1 % cut off, that of matern12 is 63 (`second_moment`), and its longest frequencies are 80 times a
# Gaussian's.
TRUNCATED_TAIL = 0.99


@dataclass(frozen=True)
class FourierSettings:
    """How a random Fourier layer draws, scales and trains its features.

    Attributes
    ----------
    kernel : str
        Kernel whose spectral density the weights are drawn from, one of `KERNELS`.
    scale : float
        Dimensionless s, the length scale sigma in units of `scale_unit`.
    scale_unit : {"critical", "fan_in"}
        "critical": sigma = s sqrt(n m), with fan-in n and m the mean square of the kernel's frequencies
        (`second_moment`); for inputs of rms 1, s = 1 keeps gradients at their size from layer to layer, whatever the
        kernel. "fan_in": sigma = s sqrt(n). Both are the same for the Gaussian and arc-cosine kernels, where m = 1.
    mapping : {"cos", "paired"}
        ``cos(w x + b)``, or ``[cos(w x), sin(w x)]`` with half as many filters.
    orthogonal, stratified : bool
        Orthogonal frequencies; evenly spread phases.
    trainable_weight, trainable_scale, trainable_amplitude : bool
        Whether gradient descent changes weights and phases; whether it changes log sigma; whether it changes a factor of
        each frequency, which begins at 1.
    weight_rate : float
        Learning rate of weights and phases in units of that of the other parameters.
    padding_mode : {"reflect", "replicate", "zeros", "none"}
        Border of convolutions; "none" gives a smaller output. Dense features have no border.
    normalization : {"batch", "rms", "none"}
        Of the *input*, so that s means the same for every input: batch statistics per channel, or one rms per case.
    amplitude : {"unit", "kernel", "none"}
        Factor on the cosine: sqrt(2) (output of rms 1), sqrt(2 / Q) (inner products approximate the kernel), 1.
    mass : bool
        Factor of the thesis's code, see `mass_factor`.
    fit : {"nothing", "scale", "frequencies"}
        What `fit_` takes from data before training: sigma, which becomes `scale` times the median distance between points
        (or patches); or the frequencies, which are turned and stretched to the shape of the data.

    Raises
    ------
    ConfigError
        For an unknown kernel or choice, a scale or rate that is not positive, or settings that contradict each other.

    Examples
    --------
    >>> FourierSettings(kernel="matern32", trainable_scale=True).mapping
    'cos'
    >>> FourierSettings(kernel="arccosine", mapping="paired")
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: The arc-cosine kernel has no paired map; choose mapping='cos'.
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
    trainable_amplitude: bool = False
    weight_rate: float = 1.0
    fit: str = "nothing"

    def __post_init__(self) -> None:
        require_kernel(self.kernel)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}.")
        for name in ("scale", "weight_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be a positive number.")
        if self.kernel == "arccosine" and self.mapping == "paired":
            raise ConfigError("The arc-cosine kernel has no paired map; choose mapping='cos'.")
        if self.fit == "frequencies" and self.kernel == "laplacian_l1":
            raise ConfigError(
                "The L1 Laplacian kernel is not isotropic, so its frequencies cannot take the shape of the data; choose "
                "laplacian_l2, or fit='scale'."
            )

    @property
    def truncate(self) -> float | None:
        """Quantile below which frequencies are drawn; None for the kernel's whole distribution."""
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


def choose_settings(
    preset: str | FourierSettings, changes: dict[str, str | float | bool | None]
) -> FourierSettings:
    """Choose the settings of a preset, changed by those of `changes` that are not None.

    Parameters
    ----------
    preset : str or FourierSettings
        Name in `PRESETS`, or settings of one's own.
    changes : dict
        Values by name of the setting.

    Raises
    ------
    ConfigError
        For an unknown preset or setting, or a value that the setting cannot have.

    Examples
    --------
    >>> choose_settings("thesis", {"amplitude": "none", "kernel": None}).amplitude
    'none'
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ConfigError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
        preset = PRESETS[preset]
    names = [field.name for field in fields(FourierSettings)]
    if unknown := [name for name in changes if name not in names]:
        raise ConfigError(
            f"A random Fourier layer has no setting {unknown[0]!r}; its settings are {', '.join(names)}."
        )
    return replace(preset, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
