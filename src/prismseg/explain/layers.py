"""Which layers of a network to look at: names, patterns, predicates, and the way from tokens to a map."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError
from prismseg.features.fourier import FourierFeatures

Predicate = Callable[[str, nn.Module], bool]
LayerChoice = str | Sequence[str] | Predicate
Adapter = Callable[[Tensor, tuple[int, int]], Tensor]

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d, FourierFeatures)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish)
_WILD = frozenset("*?[")


def choose_layers(model: nn.Module, layers: LayerChoice) -> tuple[list[str], bool]:
    """Resolve `layers` to module names of `model`.

    Parameters
    ----------
    model : Module
        The network, unwrapped.
    layers : str, sequence of str or callable
        ``"all"``: every convolution and every random Fourier layer, in the order of the network's definition. Where
        an activation function follows a convolution in an `nn.Sequential`, its output is taken, as the methods'
        authors do; the name is that of the activation, or of a sequence of just the two. A name, or a list of names
        and patterns such as ``"decoder.*"``: in the order asked. A function of name and module: those for which it is
        true.

    Returns
    -------
    names : list of str
        Each once.
    named : bool
        Whether every layer was asked for by its name, so that one that cannot be shown is an error.

    Raises
    ------
    ConfigError
        When a name is no module (the message lists near ones), or nothing is chosen.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    if layers == "all":
        chosen = list(dict.fromkeys(_convolutions(modules)))
        return _require(chosen, "There is no 2-D convolution in this network; name the layers to explain."), False
    if callable(layers):
        chosen = [name for name, module in modules.items() if layers(name, module)]
        return _require(chosen, "The function given as `layers` is true for no module of this network."), False
    asked = [layers] if isinstance(layers, str) else list(layers)
    chosen = []
    for text in asked:
        chosen += _matches(text, modules)
    named = not any(_WILD & set(text) for text in asked if _without_call(text) not in modules)
    return _require(list(dict.fromkeys(chosen)), "No layer was asked for; name some, or ask for 'all'."), named


def _convolutions(modules: dict[str, nn.Module]) -> Iterator[str]:
    for name, module in modules.items():
        if isinstance(module, CONVOLUTIONS):
            path, _, place = name.rpartition(".")
            follower = f"{path}.{int(place) + 1}".lstrip(".") if place.isdigit() else ""
            if not isinstance(modules.get(path), nn.Sequential) or not isinstance(
                modules.get(follower), ACTIVATIONS
            ):
                yield name
            elif len(modules[path]) == 2:  # type: ignore[arg-type]
                yield path
            else:
                yield follower


def _matches(text: str, modules: dict[str, nn.Module]) -> list[str]:
    if _without_call(text) in modules:
        return [text]
    found = [name for name, module in modules.items() if fnmatchcase(name, text) and not _is_container(module)]
    if found:
        return found
    near = difflib.get_close_matches(text, modules, n=4, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}?" if near else f"Its layers are {', '.join(list(modules)[:12])} …"
    raise ConfigError(f"This network has no layer {text!r}. {hint}")


def _is_container(module: nn.Module) -> bool:
    return isinstance(module, nn.ModuleList | nn.ModuleDict)


def _without_call(text: str) -> str:
    """Name of the module in ``name[2]``, the third call of a module that runs more than once."""
    return split_call(text)[0]


def split_call(text: str) -> tuple[str, int | None]:
    """Part ``name[2]`` into name and call; the call is None where none is given."""
    name, bracket, rest = text.partition("[")
    if bracket and rest.endswith("]") and rest[:-1].isdigit():
        return name, int(rest[:-1])
    return text, None


def _require(chosen: list[str], message: str) -> list[str]:
    if not chosen:
        raise ConfigError(message)
    return chosen


def tokens_to_map(prefix: int = 0, *, grid: tuple[int, int] | None = None, channels_last: bool = False) -> Adapter:
    """Make an adapter for transformers, from tokens (B, prefix + h w, D) to maps (B, D, h, w).

    Outputs of four dimensions, such as those of a patch embedding, are maps already and stay as they are.

    Parameters
    ----------
    prefix : int
        Leading tokens that stand for no place, such as the class token.
    grid : (h, w), optional
        Rows and columns of tokens; by default those of the image's aspect ratio.
    channels_last : bool
        Outputs of four dimensions are (B, h, w, D), as those of Swin transformers.

    Returns
    -------
    callable
        Function of an output and the image's (H, W); raises `ModelError` for an output without such a grid.
    """

    def adapt(output: Tensor, image_size: tuple[int, int]) -> Tensor:
        if output.ndim == 4:
            return output.permute(0, 3, 1, 2) if channels_last else output
        if output.ndim != 3:
            raise ModelError(f"Tokens have shape (B, N, D); this layer gives {tuple(output.shape)}.")
        count = output.shape[1] - prefix
        rows, columns = grid or _grid(count, image_size)
        if rows * columns != count:
            raise ModelError(
                f"{count} tokens make no grid of {rows} x {columns}; say tokens_to_map(prefix=…, grid=(h, w))."
            )
        return output[:, prefix:].reshape(output.shape[0], rows, columns, -1).permute(0, 3, 1, 2)

    return adapt


def _grid(count: int, image_size: tuple[int, int]) -> tuple[int, int]:
    rows = max(1, round(math.sqrt(count * image_size[0] / image_size[1])))
    return rows, count // rows
