"""Adapters that turn outputs of transformers into maps: tokens on a grid, channels last, class and register tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError

Adapter = Callable[[Tensor, tuple[int, int]], Tensor]
Grid = tuple[int, int]

# Parameters in which networks keep tokens that stand for no place of the image.
_PREFIXES = ("cls_token", "class_token", "dist_token", "distillation_token", "reg_token", "register_tokens",
             "storage_tokens")  # fmt: skip


class TokenAdapter:
    """Turns outputs of transformers into maps (B, D, h, w); outputs with channels first stay as they are.

    Calling it with an output and the image's (H, W) raises `ModelError` where the output has no such grid, or more
    than one. Make one with `tokens_to_map`, `vit_to_map` or `swin_to_map`.

    Parameters
    ----------
    grids : callable
        Grids (h, w) that tokens may have for a number of tokens, leading ones included, and an image of size (H, W).
    prefixes : tuple of int
        Numbers of leading tokens that stand for no place, such as class and register tokens, that an output may have.
    channels_last : bool, optional
        Whether outputs of four dimensions are (B, h, w, D); None: decided by which of the axes make a grid.
    hint : str
        Advice for messages, where tokens make no grid.
    """

    def __init__(
        self,
        grids: Callable[[int, tuple[int, int]], list[Grid]],
        *,
        prefixes: tuple[int, ...] = (0,),
        channels_last: bool | None = None,
        hint: str,
    ) -> None:
        self._grids, self._prefixes, self._hint = grids, prefixes, hint
        self.channels_last = channels_last

    def __call__(self, output: Tensor, image_size: tuple[int, int]) -> Tensor:
        """Bring an output to the form (B, D, h, w); `image_size` is (H, W)."""
        if output.ndim == 4:
            return output.permute(0, 3, 1, 2) if self._is_last(output, image_size) else output
        if output.ndim != 3:
            raise ModelError(f"Tokens have shape (B, N, D); this layer gives {tuple(output.shape)}.")
        count = output.shape[1]
        fitting = {
            (leading, grid)
            for leading in self._prefixes
            for grid in self._grids(count - leading, image_size)
            if grid[0] * grid[1] == count - leading
        }
        if len(fitting) != 1:
            several = "more than one grid" if fitting else "no grid"
            beside = " or ".join(map(str, self._prefixes))
            raise ModelError(
                f"{count} tokens, {beside} of which stand for no place, make {several} for an image of {image_size[0]} "
                f"x {image_size[1]}; {self._hint}"
            )
        leading, (rows, columns) = fitting.pop()
        return output[:, leading:].reshape(output.shape[0], rows, columns, -1).permute(0, 3, 1, 2)

    def _is_last(self, output: Tensor, image_size: tuple[int, int]) -> bool:
        if self.channels_last is not None:
            return self.channels_last
        _, first, second, third = output.shape
        last = (first, second) in self._grids(first * second, image_size)
        if last == ((second, third) in self._grids(second * third, image_size)):
            raise ModelError(
                f"Of an output {tuple(output.shape)} it cannot be told which axes are places; {self._hint}"
            )
        return last


def tokens_to_map(prefix: int = 0, *, grid: Grid | None = None, channels_last: bool = False) -> Adapter:
    """Make an adapter from tokens (B, prefix + h w, D) to maps (B, D, h, w).

    Parameters
    ----------
    prefix : int
        Leading tokens that stand for no place, such as the class token.
    grid : (h, w), optional
        Rows and columns of tokens; by default those of the image's aspect ratio.
    channels_last : bool
        Outputs of four dimensions are (B, h, w, D), as those of Swin transformers; else they are maps already and
        stay as they are.

    Returns
    -------
    callable
        Function of an output and the image's (H, W); raises `ModelError` for an output without such a grid.

    Examples
    --------
    >>> import torch
    >>> tokens_to_map(prefix=1)(torch.rand(2, 1 + 6 * 8, 32), (96, 128)).shape
    torch.Size([2, 32, 6, 8])
    """

    def grids(count: int, image_size: tuple[int, int]) -> list[Grid]:
        return [grid] if grid is not None else grids_of_aspect(count, image_size)

    hint = "say tokens_to_map(prefix=…, grid=(h, w))."
    return TokenAdapter(grids, prefixes=(prefix,), channels_last=channels_last, hint=hint)


def vit_to_map(
    model: nn.Module | None = None, *, patch: int | Grid | None = None, prefix: int | None = None
) -> Adapter:
    """Make the adapter of a vision transformer as timm, transformers and torchvision build it.

    Tokens are the image's patches in rows, behind class, distillation and register tokens if the layer has them.

    Parameters
    ----------
    model : Module, optional
        The network, or one that contains the transformer: side of the patches and number of leading tokens are
        read from it.
    patch : int or (int, int), optional
        Side of a patch in pixels, where it cannot be read.
    prefix : int, optional
        Number of leading tokens, where it cannot be read.

    Raises
    ------
    ConfigError
        When they are neither given nor to be found, or the network holds several transformers that differ.

    Examples
    --------
    >>> import torch
    >>> vit_to_map(patch=16, prefix=1)(torch.rand(1, 1 + 2 * 3, 8), (32, 48)).shape
    torch.Size([1, 8, 2, 3])
    """
    rows, columns = _patch(model, patch)
    leading = _prefix(model) if prefix is None else prefix

    def grids(count: int, image_size: tuple[int, int]) -> list[Grid]:
        return [(image_size[0] // rows, image_size[1] // columns)]

    return TokenAdapter(grids, prefixes=tuple({0, leading}), hint="say vit_to_map(patch=…, prefix=…).")


def swin_to_map(model: nn.Module | None = None, *, patch: int | Grid | None = None, stages: int = 4) -> Adapter:
    """Make the adapter of a Swin transformer, or another whose grid is halved from stage to stage (SegFormer).

    Outputs may be (B, h, w, D), as in timm and torchvision, or tokens (B, h w, D), as in transformers; outputs with
    channels first stay as they are. Windows, stacked into the batch, and attention weights are no maps and are
    refused.

    Parameters
    ----------
    model : Module, optional
        The network, or one that contains the transformer, from which the side of the patches is read.
    patch : int or (int, int), optional
        Side of the first stage's patches in pixels (4 for Swin and SegFormer), where it cannot be read.
    stages : int
        Number of grids.

    Raises
    ------
    ConfigError
        When the patch is neither given nor to be found.

    Examples
    --------
    >>> import torch
    >>> swin_to_map(patch=4)(torch.rand(1, 8, 12, 96), (32, 48)).shape
    torch.Size([1, 96, 8, 12])
    """
    rows, columns = _patch(model, patch)

    def grids(count: int, image_size: tuple[int, int]) -> list[Grid]:
        height, width = image_size
        down, up = (height // rows, width // columns), (-(-height // rows), -(-width // columns))
        candidates = {
            (-(-first[0] // 2**stage), -(-first[1] // 2**stage)) for first in (down, up) for stage in range(stages)
        }
        return [grid for grid in candidates if grid[0] * grid[1] == count]

    return TokenAdapter(grids, hint="say swin_to_map(patch=…), or give an adapter of your own.")


def grids_of_aspect(count: int, image_size: tuple[int, int]) -> list[Grid]:
    """Find the grid of `count` tokens with the image's aspect ratio, if there is one."""
    height, width = image_size
    rows, columns = round(math.sqrt(count * height / width)), round(math.sqrt(count * width / height))
    return [(rows, columns)] if rows * columns == count else []


def _patch(model: nn.Module | None, patch: int | Grid | None) -> Grid:
    if patch is not None:
        return (patch, patch) if isinstance(patch, int) else patch
    sizes = set(_patches(model)) if model is not None else set()
    if len(sizes) != 1:
        several = f"several ({', '.join(map(str, sorted(sizes)))})" if sizes else "none"
        raise ConfigError(f"The side of a transformer's patches was looked for, and {several} found; say patch=….")
    return sizes.pop()


def _patches(model: nn.Module) -> Iterator[Grid]:
    """Yield the patch sizes that modules name; else that of the first convolution whose kernel is its stride."""
    named = [size for module in model.modules() if (size := getattr(module, "patch_size", None)) is not None]
    if not named:
        convolutions = (
            layer.kernel_size
            for layer in model.modules()
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == layer.stride and max(layer.stride) > 1
        )
        named = [size for size in [next(convolutions, None)] if size is not None]
    for size in named:
        sides = (size, size) if isinstance(size, int) else tuple(size)
        if len(sides) == 2:
            yield int(sides[0]), int(sides[1])


def _prefix(model: nn.Module | None) -> int:
    """Count the leading tokens that a transformer keeps as parameters."""
    if model is None:
        raise ConfigError("The number of leading tokens is needed: give the model, or prefix=….")
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        owner, _, last = name.rpartition(".")
        if last in _PREFIXES and parameter.numel():
            counts[owner] = counts.get(owner, 0) + (parameter.shape[-2] if parameter.ndim > 1 else 1)
    if len(set(counts.values())) > 1:
        raise ConfigError(
            f"The network holds transformers with different leading tokens ({counts}); say prefix=…."
        )
    return next(iter(counts.values()), 0)
