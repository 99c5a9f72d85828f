"""What a segmentation network is built from; every size in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from prismseg.base import ConfigError

CHOICES: dict[str, tuple[object, ...]] = {
    "arch": ("unet", "fcn", "resunet"),
    "skip": ("none", "conv", "crffg"),
    "multiplier": (1, 3),
    "preset": ("default", "thesis"),
    "norm": ("batch", "group", "instance"),
}


@dataclass(frozen=True)
class NetworkSettings:
    """Arguments of `create_model`, checked.

    Raises
    ------
    ConfigError
        Naming the argument that is wrong and what it may be.
    """

    arch: str
    skip: str = "none"
    multiplier: int = 1
    in_channels: int = 1
    classes: int = 1
    preset: str = "default"
    width: float = 1.0
    norm: str = "batch"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                listed = ", ".join(str(value) for value in allowed)
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose one of {listed}.")
        for name in ("in_channels", "classes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} is {value!r}; it must be a whole number of at least 1.")
        if not 0 < self.width <= 64:
            raise ConfigError(f"width is {self.width!r}; it must be above 0 and at most 64.")

    def channels(self, base: int) -> int:
        """Give the number of channels of a stage that has `base` at width 1."""
        return max(1, round(base * self.width))

    def to_dict(self) -> dict[str, Any]:
        """Plain form, as `create_model` takes it."""
        return asdict(self)
