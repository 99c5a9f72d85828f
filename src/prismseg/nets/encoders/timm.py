"""Encoders of the package timm (PyTorch Image Models), where it is installed: hundreds, many of them pretrained."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError, ModelNotFoundError
from prismseg.nets.encoders.pretrained import COLOURS, PublishedWeights
from prismseg.nets.settings import NetworkSettings

PREFIX = "timm:"
PRETRAINED = "pretrained"  # weights that timm itself keeps or fetches
_SPREAD = 0.02  # standard deviation of parameters of which timm alone knows the law, as in its vision transformers


class TimmEncoder(nn.Module):
    """Feature maps of a network of timm, chosen as ``encoder="timm:NAME"``.

    It takes images of mean 0 and standard deviation 1, as networks get them. Its width is its own: `width` acts on the
    decoder alone. Networks with it are loaded where timm is installed only.

    Weights are random unless asked for: ``weights="pretrained"`` takes timm's own, from its cache or else from the hub;
    a ``.safetensors`` file of such a network, with or without its classifier, is read from its path.

    Raises
    ------
    ModelError
        When timm, or torchvision that it needs, cannot be imported.
    ConfigError
        When timm has no such network, or it gives no feature maps.
    """

    published: ClassVar[dict[str, PublishedWeights]] = {}
    weight_names: ClassVar[tuple[str, ...]] = (PRETRAINED,)

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.name = str(settings.encoder).removeprefix(PREFIX)
        self.body = _make(self.name, settings.in_channels)
        self.channels = tuple(self.body.feature_info.channels())
        self.strides = tuple(self.body.feature_info.reduction())
        for module in self.body.modules():
            own = dict(module.named_parameters(recurse=False))
            if own and not hasattr(module, "reset_parameters"):
                module.reset_parameters = partial(_draw, own)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps (B, channels[i], H / strides[i], W / strides[i]) of images (B, in_channels, H, W)."""
        try:
            maps: list[Tensor] = self.body(x)
        except AssertionError as error:
            raise ModelError(
                f"timm's {self.name} does not take images of {x.shape[-2]} x {x.shape[-1]} "
                f"({str(error).rstrip('.')}); choose an encoder of convolutions, or that --size."
            ) from error
        # Some of timm's transformers have their channels last.
        return [
            found if found.shape[1] == width else found.movedim(-1, 1)
            for found, width in zip(maps, self.channels, strict=True)
        ]

    def read_weights(self, weights: str | Path) -> dict[str, Tensor] | None:
        """Read weights for colour images, by the names that they have here; None for what is no weights of timm's.

        Raises
        ------
        ModelNotFoundError
            When timm has none and can fetch none.
        ModelError
            When a file cannot be read.
        """
        if weights == PRETRAINED:
            options: dict[str, Any] = {}
        elif Path(weights).is_file() and Path(weights).suffix == ".safetensors" and not _is_ours(Path(weights)):
            options = {"pretrained_cfg_overlay": {"file": str(weights)}}
        else:
            return None
        try:
            body = _make(self.name, COLOURS, pretrained=True, **options)
        except ConfigError:
            raise
        except Exception as error:  # of timm, the hub and the network, each with kinds of their own
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            if options:
                raise ModelError(f"The weights {weights} do not fit timm's {self.name}: {reason}") from error
            raise ModelNotFoundError(
                f"timm has no pretrained weights of {self.name} on this machine and could not fetch them ({reason}). "
                "Either let it fetch them once where the hub can be reached, or give the path of a copy of their "
                f"model.safetensors instead of {PRETRAINED!r}."
            ) from error
        return {f"body.{name}": tensor for name, tensor in body.state_dict().items()}


def _is_ours(path: Path) -> bool:
    """Whether a file holds a network of prismseg or an encoder of one, and not one of timm's networks."""
    try:
        with safe_open(path, framework="pt") as file:
            return any(key.startswith(("body.", "encoder.body.")) for key in file.keys())  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The weights {path} are damaged ({error}); copy them anew.") from error


def _make(name: str, channels: int, *, pretrained: bool = False, **options: Any) -> Any:
    try:
        import timm
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"The encoder {PREFIX}{name} needs the packages timm and torchvision, which cannot be imported here "
            f"({str(error).splitlines()[0]}). Install them (pip install timm; torchvision in the build that belongs to "
            "your PyTorch, see pytorch.org), or choose an encoder that needs neither, such as efficientnet_lite0."
        ) from error
    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=1)
        raise ConfigError(f"timm has no network {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
    try:
        return timm.create_model(name, pretrained=pretrained, features_only=True, in_chans=channels, **options)
    except (AttributeError, NotImplementedError, AssertionError, RuntimeError) as error:
        if pretrained:
            raise
        raise ConfigError(f"timm's {name} gives no feature maps ({error}); choose another encoder.") from error


@torch.no_grad()
def _draw(parameters: dict[str, nn.Parameter]) -> None:
    """Draw parameters of which timm alone knows the law; constants (scales, tokens of 0) stay what timm makes them."""
    for parameter in parameters.values():
        if parameter.numel() > 1 and bool((parameter != parameter.flatten()[0]).any()):
            nn.init.normal_(parameter, std=_SPREAD)
