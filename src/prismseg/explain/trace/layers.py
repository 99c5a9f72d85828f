"""Choosing the layers of a network: by name, pattern or predicate."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from torch import nn

from prismseg.base import ConfigError
from prismseg.features.fourier import FourierFeatures

Predicate = Callable[[str, nn.Module], bool]
LayerChoice = str | Sequence[str] | Predicate

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d, nn.Conv3d, nn.ConvTranspose3d, FourierFeatures)
ACTIVATED = ":act"  # after a convolution's name: its output after the activation function that follows it


def choose_layers(model: nn.Module, layers: LayerChoice) -> tuple[list[str], frozenset[str]]:
    """Find the modules of `model` that a choice of layers names.

    Parameters
    ----------
    model : Module
        The network, unwrapped.
    layers : str, sequence of str or callable
        ``"all"``: every convolution and every random Fourier layer, in the order of the network's definition; see
        `find_activations` for what is shown of them. A name, or a list of names and patterns such as
        ``"decoder.*"``: in the order asked. ``name:act`` is a convolution with the activation function that follows
        it. A function of name and module: those for which it is true.

    Returns
    -------
    names : list of str
        Each once.
    named : frozenset of str
        Those that were asked for by their names; it is an error if these cannot be explained.

    Raises
    ------
    ConfigError
        When a name is no module (the message lists similar names), or nothing is chosen.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))
    >>> choose_layers(model, "all")[0]
    ['0', '2']
    """
    modules = {name: module for name, module in model.named_modules() if name}
    if layers == "all":
        chosen = [name for name, module in modules.items() if isinstance(module, CONVOLUTIONS)]
        return _require(
            chosen, "There is no convolution of images or volumes in this network; name the layers to explain."
        ), frozenset()
    if callable(layers):
        chosen = [name for name, module in modules.items() if layers(name, module)]
        return _require(
            chosen, "The function given as `layers` is true for no module of this network."
        ), frozenset()
    asked = [layers] if isinstance(layers, str) else list(layers)
    chosen = []
    for text in asked:
        chosen += _matches(text, modules)
    named = frozenset(text for text in asked if _module_name(text) in modules)
    return _require(list(dict.fromkeys(chosen)), "No layer was asked for; name some, or ask for 'all'."), named


def _matches(text: str, modules: dict[str, nn.Module]) -> list[str]:
    if _module_name(text) in modules:
        return [text]
    matching = [name for name, module in modules.items() if fnmatchcase(name, text) and not _is_container(module)]
    if matching:
        return matching
    near = difflib.get_close_matches(text, modules, n=4, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}?" if near else f"Its layers are {', '.join(list(modules)[:12])} …"
    raise ConfigError(f"This network has no layer {text!r}. {hint}")


def _is_container(module: nn.Module) -> bool:
    return isinstance(module, nn.ModuleList | nn.ModuleDict)


def _module_name(text: str) -> str:
    """Name of the module in ``name[2]``, the third call of a module that runs more than once, or in ``name:act``."""
    return split_call(text)[0].removesuffix(ACTIVATED)


def split_call(text: str) -> tuple[str, int | None]:
    """Split ``name[2]`` into the name and the number of the call, which is None where none is given."""
    name, bracket, rest = text.partition("[")
    if bracket and rest.endswith("]") and rest[:-1].isdigit():
        return name, int(rest[:-1])
    return text, None


def _require(chosen: list[str], message: str) -> list[str]:
    if not chosen:
        raise ConfigError(message)
    return chosen
