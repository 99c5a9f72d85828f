"""How a network is fed with images that were prepared for another one's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ModelError
from prismseg.data import Preprocess
from prismseg.data.preparation.preprocess import LUMA

COLOURS = 3
_CONSTANT = 1e-5  # deviation over mean, below which a channel has one value; float32 resolves 1e-7
_FINEST = 1000  # largest denominator of the ratio of two areas' sides


def common_preprocess(members: Sequence[Preprocess]) -> Preprocess:
    """Find the preparation from which each of `members` can be made, losing as little as can be.

    Its size is the largest height and width of theirs; where one of them keeps the shape of images, the size of the
    largest area, and it keeps it too. Intensities are "unit" where one of them wants these or channels differ, since
    standardising can be made up for later and cannot be undone.

    Raises
    ------
    ModelError
        When they take numbers of channels other than 1 and 3 that differ, or one takes images at their own pixels (fit
        native) and another takes them otherwise.

    Examples
    --------
    >>> common_preprocess([Preprocess((64, 96), 1), Preprocess((80, 80), 3, "unit")])
    Preprocess(size=(80, 96), channels=3, intensity='unit', fit='stretch', shrink=1)
    """
    channels = {member.channels for member in members}
    if len(channels) > 1 and channels != {1, COLOURS}:
        raise ModelError(
            f"Networks for images of {' and '.join(map(str, sorted(channels)))} channels cannot be fed with one image; "
            "combine networks of the same channels (or of 1 and 3)."
        )
    if any(member.fit == "native" for member in members):
        if len({form_of(member) for member in members}) > 1:
            raise ModelError(
                "Networks that take images at their own pixels (fit native) can only be combined with networks that are "
                "fed in the same way: fit, shrinking, channels and intensity."
            )
        return members[0]
    keeps_shape = any(member.fit == "area" for member in members)
    largest = max((member.size for member in members), key=math.prod)
    heights, widths = zip(*(member.size for member in members), strict=True)
    unit = len(channels) > 1 or any(member.intensity == "unit" for member in members)
    return Preprocess(
        size=largest if keeps_shape else (max(heights), max(widths)),
        channels=max(channels),
        intensity="unit" if unit else "zscore",
        fit="area" if keeps_shape else "stretch",
    )


@dataclass(frozen=True)
class Feed:
    """Turns images that were prepared as `given` into such as are `wanted`.

    Where both are the same nothing happens, and where they differ in channels or intensity alone the result is, for
    images of 8 bits, what `wanted` itself makes of them. Images of another size are resampled once more than by `wanted`
    itself, with antialiasing; those that keep their shape are scaled by one factor for both sides.

    Attributes
    ----------
    given, wanted : Preprocess
        `given` is the `common_preprocess` of `wanted` and others.

    Examples
    --------
    >>> feed = Feed(Preprocess((64, 64), 3, "unit"), Preprocess((32, 48), 1, "zscore"))
    >>> feed(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 1, 32, 48])
    """

    given: Preprocess
    wanted: Preprocess

    @property
    def changes_nothing(self) -> bool:
        """Whether images are wanted as they are given."""
        return form_of(self.given) == form_of(self.wanted)

    @property
    def resizes(self) -> bool:
        """Whether images get another size."""
        given, wanted = form_of(self.given), form_of(self.wanted)
        return (given.size, given.fit) != (wanted.size, wanted.fit)

    def give_back(self, probabilities: Tensor, x: Tensor) -> Tensor:
        """Enlarge probabilities (B, K, h, w), or shrink them, to the size of the images x (B, C, H, W) as given."""
        if not self.resizes:
            return probabilities
        return F.interpolate(probabilities, size=x.shape[-2:], mode="bilinear", align_corners=False)

    def __call__(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) as `wanted`, of images (B, C', H', W') as `given`."""
        if self.changes_nothing:
            return x
        if x.shape[1] == COLOURS and self.wanted.channels == 1:
            x = (x * torch.tensor(LUMA, dtype=x.dtype, device=x.device)[:, None, None]).sum(1, keepdim=True)
        size = self.size_for(x.shape[-2], x.shape[-1])
        if size is not None:
            x = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
        return _standardized(x) if self.wanted.intensity == "zscore" else x

    def size_for(self, height: int, width: int) -> tuple[int, int] | None:
        """Size of what comes of an image of this size; None where it stays."""
        if not self.resizes:
            return None
        if self.wanted.fit == "area":
            side = math.sqrt(math.prod(self.wanted.size) / math.prod(self.given.size))
            ratios = [Fraction(side).limit_denominator(_FINEST)] * 2
        elif self.given.fit == "area":
            return self.wanted.size
        else:
            ratios = [
                Fraction(after, before) for after, before in zip(self.wanted.size, self.given.size, strict=True)
            ]
        # In whole numbers, so that an exporter can follow it for sizes that it does not know.
        return tuple(  # type: ignore[return-value]
            (length * ratio.numerator + ratio.denominator // 2) // ratio.denominator
            for length, ratio in zip((height, width), ratios, strict=True)
        )

    def traced_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Give a size of images from which at least `size` comes out."""
        height, width = self.given.size
        rows, columns = self.size_for(height, width) or (height, width)
        return -(-size[0] * height // rows) + 1, -(-size[1] * width // columns) + 1


def form_of(preprocess: Preprocess) -> Preprocess:
    """Give what decides how an image is prepared: at its own pixels no size does.

    Examples
    --------
    >>> form_of(Preprocess((64, 64), 1, fit="native")) == form_of(Preprocess((96, 96), 1, fit="native"))
    True
    """
    return replace(preprocess, size=(1, 1)) if preprocess.fit == "native" else preprocess


def probabilities_of(logits: Tensor) -> Tensor:
    """Probabilities (B, K, H, W) of the classes, background first, of logits (B, 1 or K, H, W); 2 for one logit."""
    if logits.shape[1] == 1:
        # The sigmoid of each sign is exact where 1 - p would be 0.
        return torch.sigmoid(torch.cat([-logits, logits], dim=1))
    return torch.softmax(logits, dim=1)


def logits_of(probabilities: Tensor, classes: int) -> Tensor:
    """Logits (B, classes, H, W) of probabilities (B, K, H, W): their logarithms, of two the difference for one logit."""
    logits = probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()
    return logits[:, 1:] - logits[:, :1] if classes == 1 else logits


def _standardized(x: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 for each image and channel; a constant one becomes 0."""
    mean = x.mean((-2, -1), keepdim=True)
    variance = (x - mean).square().mean((-2, -1), keepdim=True)
    constant = variance <= (_CONSTANT * mean).square()
    return torch.where(constant, 0.0, (x - mean) / torch.where(constant, 1.0, variance).sqrt())
