"""What every segmentation network has in common: input checks, padding, saving and loading."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from pydantic import ValidationError
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError
from prismseg.base.settings import Settings, explain_errors
from prismseg.nets.settings import ARCHITECTURES, NetworkSettings, find_architecture
from prismseg.nets.storage.files import load_weights, read_description, write_network
from prismseg.nets.storage.lookup import CONFIG, fetch_model


class SegmentationModel(nn.Module, PyTorchModelHubMixin, library_name="prismseg", tags=["image-segmentation"]):
    """A network from images (B, C, H, W) to logits (B, K, H, W) of the same size.

    One logit channel means foreground against background (sigmoid), K channels mean K classes with the
    background first (softmax). Build one with `create_model`.

    To add an architecture, derive a class that is built from `NetworkSettings`, sets `stride` and defines `segment`, and
    register it in `prismseg.nets.ARCHITECTURES`.

    Parameters
    ----------
    settings : NetworkSettings
        What the network is built from.

    Attributes
    ----------
    settings : NetworkSettings
        What the network is built from; `config` is the same as a dictionary.
    metadata : dict
        Facts that are stored with the weights: preprocessing, class names, training.
    stride : int
        Inputs are padded to a multiple of it, and the logits cropped.
    own_encoder : str or None
        Name in `prismseg.nets.ENCODERS` of the encoder that the architecture has unless the settings name another; None
        where it cannot be exchanged.
    has_decoder : bool
        Whether the settings may name another decoder too, a name in `prismseg.nets.DECODERS`. Such an architecture
        defines `decode` and `classify`, and lists the channels of the decoder's levels, the coarsest first, as
        `decoder_widths`.
    takes_bottleneck : bool
        Whether the settings may name a layer for its coarsest maps, a name in `prismseg.nets.BOTTLENECKS`.
    takes_options : type of Settings or None
        Of the `options` of the settings, where it takes any; see `read_options`.
    closed_form : bool
        Whether it is fitted in closed form and has nothing that gradients train.
    """

    stride: int
    own_encoder: ClassVar[str | None] = None
    has_decoder: ClassVar[bool] = False
    takes_bottleneck: ClassVar[bool] = False
    decoder_widths: tuple[int, ...] = ()
    takes_options: ClassVar[type[Settings] | None] = None
    closed_form: ClassVar[bool] = False

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        self.metadata: dict[str, Any] = {}

    @property
    def config(self) -> dict[str, Any]:
        """Arguments with which `create_model` builds such a network again."""
        return self.settings.to_dict()

    @abstractmethod
    def segment(self, x: Tensor) -> Tensor:
        """Logits (B, K, H, W) of images (B, C, H, W) whose sides are multiples of `stride`."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits.

        Parameters
        ----------
        x : (B, C, H, W) Tensor
            Images of any size from 1×1; the border is continued by its nearest pixels up to a multiple of
            `stride`.

        Returns
        -------
        (B, K, H, W) Tensor
            Logits.

        Raises
        ------
        ModelError
            When the input has another number of dimensions or channels.
        """
        if x.ndim != 4 or x.shape[1] != self.settings.in_channels:
            raise ModelError(
                f"The input has shape {tuple(x.shape)}; this network takes (B, {self.settings.in_channels}, H, W)."
            )
        height, width = x.shape[-2:]
        left, right, top, below = self.padding(height, width)
        if torch.compiler.is_exporting():
            return self._segment_by_position(x, left, right, top, below)
        logits = self.segment(self.pad_to_stride(x)[0])
        return logits[..., top : top + height, left : left + width]

    def pad_to_stride(self, x: Tensor) -> tuple[Tensor, int, int]:
        """Continue images to a multiple of `stride`; how many columns and rows come before them is returned too."""
        left, right, top, below = self.padding(*x.shape[-2:])
        if left + right or top + below:
            x = F.pad(x, (left, right, top, below), mode="replicate")
        return x, left, top

    def decode(self, x: Tensor) -> list[Tensor]:
        """Give the maps of a decoder's levels, the coarsest first; only where the architecture `has_decoder`."""
        raise NotImplementedError(f"{type(self).__name__} has no decoder.")

    def classify(self, decoded: Tensor) -> Tensor:
        """Logits on the grid of the image from the finest map of `decode`."""
        raise NotImplementedError(f"{type(self).__name__} has no decoder.")

    def _segment_by_position(self, x: Tensor, left: int, right: int, top: int, below: int) -> Tensor:
        """Pad, segment and crop as `forward` does; exporters cannot prove that its slices lie inside the image."""
        height, width = x.shape[-2:]
        rows = torch.arange(height + top + below, device=x.device) - top
        columns = torch.arange(width + left + right, device=x.device) - left
        x = x.index_select(-2, rows.clamp(0, height - 1)).index_select(-1, columns.clamp(0, width - 1))
        rows, columns = (torch.arange(size, device=x.device) for size in (height, width))
        return self.segment(x).index_select(-2, rows + top).index_select(-1, columns + left)

    def padding(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Pixels by which an image is continued to the left, to the right, above and below."""
        # Written so that an exporter can prove the padded sides to be multiples of the stride.
        below = self.stride * ((height + self.stride - 1) // self.stride) - height
        right = self.stride * ((width + self.stride - 1) // self.stride) - width
        return right // 2, right - right // 2, below // 2, below - below // 2

    @property
    def traced_size(self) -> tuple[int, int]:
        """Height and width of an image that exporters trace the network with: all its maps have several pixels."""
        return 2 * self.stride + 1, 3 * self.stride + 3

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        config: Any = None,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        model_card_kwargs: dict[str, Any] | None = None,
        **push_to_hub_kwargs: Any,
    ) -> str | None:
        """Write ``model.safetensors``, ``config.json`` and a model card ``README.md``, each atomically.

        Parameters
        ----------
        save_directory : path
            Folder, made if need be.
        config, model_card_kwargs
            Passed by `push_to_hub`; the network writes its own instead.
        repo_id, push_to_hub, **push_to_hub_kwargs
            Upload the folder too, see `huggingface_hub.PyTorchModelHubMixin.push_to_hub`.

        Raises
        ------
        OutputError
            When the folder cannot be written.
        """
        write_network(Path(save_directory), self, self.config, self.metadata)
        if not push_to_hub:
            return None
        return str(self.push_to_hub(repo_id or Path(save_directory).name, **push_to_hub_kwargs))

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, revision: str | None = None, **options: Any
    ) -> SegmentationModel:
        """Load a trained network of any architecture, see `load_model`; options of the hub are not used."""
        return load_model(pretrained_model_name_or_path, revision=revision)


def build_model(settings: NetworkSettings) -> SegmentationModel:
    """Build the network of `settings`, with whatever weights its modules draw; the global generator is left as it is.

    Raises
    ------
    ConfigError
        When the settings name an encoder or a decoder for an architecture that has none to exchange, or a layer at the
        coarsest maps or options for one that takes none.
    ModelError
        When what is registered under that name is no `SegmentationModel`.
    """
    architecture = find_architecture(settings.arch)
    if settings.encoder is not None and getattr(architecture, "own_encoder", None) is None:
        raise ConfigError(f"The architecture {settings.arch!r} has no encoder that could be exchanged.")
    if settings.decoder is not None and not getattr(architecture, "has_decoder", False):
        raise ConfigError(f"The architecture {settings.arch!r} has no decoder that could be exchanged.")
    if settings.bottleneck is not None and not getattr(architecture, "takes_bottleneck", False):
        takers = [name for name in ARCHITECTURES if getattr(ARCHITECTURES[name], "takes_bottleneck", False)]
        raise ConfigError(
            f"The architecture {settings.arch!r} takes no other bottleneck; leave it out, or choose one of "
            f"{', '.join(takers)}."
        )
    takes_options = settings.arch not in ARCHITECTURES or getattr(architecture, "takes_options", None) is not None
    if settings.options is not None and not takes_options:
        raise ConfigError(f"The architecture {settings.arch!r} takes no options.")
    with torch.random.fork_rng(devices=[]):
        network = architecture(settings)
    if not isinstance(network, SegmentationModel):
        raise ModelError(
            f"The architecture {settings.arch!r} gives a {type(network).__name__}; it must be a SegmentationModel."
        )
    return network


def class_probabilities(logits: Tensor) -> Tensor:
    """Probabilities (B, K, H, W) of all classes, background first, from logits (B, 1 or K, H, W)."""
    if logits.shape[1] == 1:
        foreground = torch.sigmoid(logits)
        return torch.cat([1 - foreground, foreground], dim=1)
    return torch.softmax(logits, dim=1)


OptionsKind = TypeVar("OptionsKind", bound=Settings)


def read_options(kind: type[OptionsKind], settings: NetworkSettings) -> OptionsKind:
    """Check the `options` of `settings`, and fill in what they leave out.

    Raises
    ------
    ConfigError
        Naming each option that is wrong.
    """
    try:
        return kind.model_validate(settings.options or {})
    except ValidationError as error:
        raise ConfigError(
            f"These options of the architecture {settings.arch!r} cannot be used: {explain_errors(error)}."
        ) from error


def find_encoder(network: SegmentationModel) -> nn.Module:
    """Return the encoder of `network`.

    Raises
    ------
    ConfigError
        When its architecture has none.
    """
    encoder = getattr(network, "encoder", None)
    if not isinstance(encoder, nn.Module):
        raise ConfigError(f"The architecture {network.settings.arch!r} has no encoder.")
    return encoder


def load_model(source: str | Path, *, revision: str | None = None) -> SegmentationModel:
    """Load a trained network.

    Parameters
    ----------
    source : str or path
        Name of a shipped network, folder of a network or of a training run (whose best network is meant), or the name of
        a repository on the Hugging Face hub (``owner/name``).
    revision : str, optional
        Branch, tag or commit of that repository.

    Returns
    -------
    SegmentationModel
        In evaluation mode.

    Raises
    ------
    ModelError
        When there is no such network, a file is missing or damaged, only pickled weights are offered, or
        the weights belong to another architecture.

    Examples
    --------
    >>> load_model("thermal-feet").metadata["classes"]
    ['background', 'foot']
    """
    folder = fetch_model(source, revision)
    config, metadata = read_description(folder)
    try:
        model = build_model(NetworkSettings(**config))
    except (TypeError, ConfigError) as error:
        raise ModelError(
            f"{folder / CONFIG} describes no network of this version of prismseg: {error} "
            "It may come from a newer version (update prismseg) or from a package that extends it (install that)."
        ) from error
    load_weights(model, folder)
    model.metadata = metadata
    return model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]
