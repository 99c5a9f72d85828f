"""Networks of volumes, and of several inputs, made to take one image each: nothing else of an explanation differs.

A volume (C, D, H, W) is laid out as an image (C, D H, W), its slices one below the other, and several inputs are the
channels of one image. The network itself gets what it always gets, and its maps and logits come back in the same form.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from prismseg.base import DataError, ModelError
from prismseg.explain.inputs.volumes import enlarge_volumes, fold, unfold
from prismseg.explain.target.logits import OutputChoice, choose_output


@dataclass(frozen=True)
class InputPart:
    """One input of a network among the channels of an image.

    Attributes
    ----------
    name : str, optional
        Of the argument; None: it is given by position.
    channels : int
        How many it takes.
    is_vector : bool
        Whether it has no places: its numbers are constant over the image, and the network gets their mean.
    """

    name: str | None
    channels: int
    is_vector: bool = False


@dataclass(frozen=True)
class Packing:
    """How the inputs of a network make one image.

    Attributes
    ----------
    parts : tuple of InputPart
    depth : int
        Slices of a volume, 1 for an image.
    """

    parts: tuple[InputPart, ...]
    depth: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether there is one image, with nothing to pack."""
        return self.depth == 1 and len(self.parts) == 1 and self.parts[0].name is None

    def unpack(self, images: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Take the inputs, by position and by name, out of images (B, C, D H, W)."""
        given: list[Tensor] = []
        named: dict[str, Tensor] = {}
        pieces = torch.split(images, [part.channels for part in self.parts], dim=1)
        for part, piece in zip(self.parts, pieces, strict=True):
            if part.is_vector:
                piece = piece.mean((2, 3))
            elif self.depth > 1:
                piece = unfold(piece, self.depth)
            if part.name is None:
                given.append(piece)
            else:
                named[part.name] = piece
        return given, named

    def describe(self) -> str:
        """Name the inputs and say which one pictures show, in a few words; empty for one image.

        Examples
        --------
        >>> Packing((InputPart("age", 1, is_vector=True), InputPart("ct", 1), InputPart("pet", 1)), depth=8).describe()
        'inputs age, ct, pet (pictures show ct), volumes of 8 slices'
        """
        names = [part.name or f"number {number}" for number, part in enumerate(self.parts, start=1)]
        told = []
        if len(names) > 1:
            first = next(name for name, part in zip(names, self.parts, strict=True) if not part.is_vector)
            told.append(f"inputs {', '.join(names)} (pictures show {first})")
        if self.depth > 1:
            told.append(f"volumes of {self.depth} slices")
        return ", ".join(told)

    def shown(self) -> slice:
        """Say which channels are those of the first input that has places: the picture beneath maps."""
        if not self.parts:
            return slice(None)
        start = 0
        for part in self.parts:
            if not part.is_vector:
                return slice(start, start + part.channels)
            start += part.channels
        return slice(None)


PLAIN = Packing(())


def pack_inputs(given: Any) -> tuple[Tensor, Packing]:
    """Put the inputs of a network into images (B, C, H, W), or (B, C, D H, W) of volumes.

    Parameters
    ----------
    given : Tensor, sequence or mapping of Tensor
        Images (B, C, H, W) or volumes (B, C, D, H, W), of one size if there are several, and vectors (B, F) or
        numbers (B,) besides. Those of a mapping are given to the network by name.

    Raises
    ------
    DataError
        When their sizes differ, or they are no floating-point numbers.

    Examples
    --------
    >>> images, packing = pack_inputs([torch.zeros(2, 3, 8, 8), torch.tensor([[0.5], [2.0]])])
    >>> images.shape, packing.unpack(images)[0][1].tolist()
    (torch.Size([2, 4, 8, 8]), [[0.5], [2.0]])
    """
    if isinstance(given, Mapping):
        named: list[tuple[str | None, Any]] = list(given.items())
    elif isinstance(given, tuple | list):
        named = [(None, each) for each in given]
    else:
        named = [(None, given)]
    inputs = [(name, torch.as_tensor(each)) for name, each in named]
    single = len(inputs) == 1
    for name, each in inputs:
        if not single and not each.is_floating_point():
            raise DataError(
                f"The input {_called(name, inputs, each)} is {each.dtype}; relevance is of floating-point numbers. "
                "Convert it, or fix it in the network (functools.partial)."
            )
    placed = [each for _, each in inputs if each.ndim > 2]
    shapes = {tuple(each.shape[2:]) for each in placed}
    if not placed or (len(shapes) > 1) or (not single and len({len(each) for _, each in inputs}) > 1):
        listed = ", ".join(str(tuple(each.shape)) for _, each in inputs)
        raise DataError(
            f"The network's inputs have the shapes {listed}; one explanation needs images (B, C, H, W) or volumes "
            "(B, C, D, H, W) of one size, besides vectors (B, F)."
        )
    size = next(iter(shapes))
    if single and len(size) != 3:
        return placed[0], Packing((InputPart(inputs[0][0], placed[0].shape[1]),))
    if len(size) not in (2, 3):
        raise DataError(f"Images have shape (B, C, H, W), volumes (B, C, D, H, W), not {tuple(placed[0].shape)}.")
    depth = size[0] if len(size) == 3 else 1
    plane = (size[0] * size[1], size[2]) if len(size) == 3 else size
    parts, pieces = [], []
    for name, each in inputs:
        if each.ndim > 2:
            pieces.append(fold(each) if len(size) == 3 else each)
        else:
            vector = each[:, None] if each.ndim == 1 else each
            pieces.append(vector[:, :, None, None].expand(*vector.shape, *plane))
        parts.append(InputPart(name, pieces[-1].shape[1], each.ndim <= 2))
    return torch.cat([piece.to(placed[0].dtype) for piece in pieces], dim=1), Packing(tuple(parts), depth)


def _called(name: str | None, inputs: Sequence[tuple[str | None, Tensor]], each: Tensor) -> str:
    return repr(name) if name else f"number {next(n for n, (_, one) in enumerate(inputs) if one is each)}"


def pack_masks(masks: Tensor, packing: Packing) -> Tensor:
    """Bring masks of volumes (B, D, H, W), or (B, 1, D, H, W), to (B, D H, W); others stay."""
    if packing.depth == 1:
        return masks
    if masks.ndim == 5 and masks.shape[1] == 1:
        masks = masks[:, 0]
    if masks.ndim != 4 or masks.shape[1] != packing.depth:
        raise DataError(
            f"The masks have shape {tuple(masks.shape)}; those of volumes of {packing.depth} slices are (B, D, H, W)."
        )
    return fold(masks)


class _Packed:
    """What is put before a network's own class: its forward pass takes one image."""

    _packing: Packing
    _choice: OutputChoice
    _given: Callable[..., Any] | None

    def forward(self, images: Tensor) -> Any:
        given, named = self._packing.unpack(images)
        run = self._given if self._given is not None else super().forward  # type: ignore[misc]
        output = run(*given, **named)
        return output if self._packing.depth == 1 else self._fold_logits(output, images)

    def _fold_logits(self, output: Any, images: Tensor) -> Tensor:
        logits = choose_output(output, self._choice)
        if not isinstance(logits, Tensor) or logits.ndim != 5:
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ModelError(f"Logits of volumes have shape (B, K, D, H, W); this output is {shape}.")
        return fold(enlarge_volumes(logits, (self._packing.depth, *_plane(images, self._packing.depth))))


def take_packed(model: nn.Module, packing: Packing, output: OutputChoice = None) -> nn.Module:
    """Make a network that takes the images of `pack_inputs`; it shares everything with `model`, names included.

    Parameters
    ----------
    model : Module
        Left as it is.
    packing : Packing
    output : str, int or callable, optional
        Where a network of volumes has its logits (`find_logits`); what is returned are the logits alone then.
    """
    cls = type(model)
    packed = copy.copy(model)
    packed.__class__ = type(cls.__name__, (_Packed, cls), {"__module__": cls.__module__})
    # A forward pass that was put in the place of the class's own, as by accelerate.
    packed.__dict__["_given"] = packed.__dict__.pop("forward", None)
    packed.__dict__["_packing"], packed.__dict__["_choice"] = packing, output
    return packed


def depth_of(model: nn.Module) -> int:
    """How many slices the volumes have that a network takes; 1 for one of images."""
    return model._packing.depth if isinstance(model, _Packed) else 1


def _plane(images: Tensor, depth: int) -> tuple[int, int]:
    return images.shape[-2] // depth, images.shape[-1]
