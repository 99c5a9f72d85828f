"""Relevance of the image's own pixels from what the score loses without them: occlusion, RISE."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.explain.maps.method import ImageContext, ImageMethod
from prismseg.explain.registries import BASELINES

WINDOW = 1 / 8  # side of the window that is hidden, as a share of the image's shorter side; it moves by half of it
MASKS = 300  # random masks of RISE
CELLS, SHOWN = 7, 0.5  # cells a side of such a mask, and share of them that is shown (Petsiuk et al. 2018, sec. 4)


def _windows(height: int, width: int, side: int, step: int) -> Iterator[tuple[slice, slice]]:
    """Yield windows that cover the whole image, the last ones flush with its end."""
    tops = sorted({*range(0, height - side + 1, step), height - side})
    lefts = sorted({*range(0, width - side + 1, step), width - side})
    for top in tops:
        for left in lefts:
            yield slice(top, top + side), slice(left, left + side)


def occlusion(context: ImageContext, side: int | None = None, step: int | None = None) -> Tensor:
    """Hide a window that moves over the image (Zeiler & Fergus 2014, sec. 4.2), and take what the score loses.

    A pixel has the mean over the windows that hold it; signed.

    Parameters
    ----------
    context : ImageContext
        The window is filled from its baseline.
    side, step : int, optional
        Of the window, pixels; by default `WINDOW` of the image's shorter side, and half of that.

    Returns
    -------
    (B, K, H, W) Tensor
    """
    images, baseline = context.images, BASELINES[context.baseline](context.images)
    height, width = images.shape[2:]
    side = side or max(1, round(WINDOW * min(height, width)))
    places = list(_windows(height, width, side, step or max(1, side // 2)))
    total = images.new_zeros(*context.regions.shape)
    count = images.new_zeros(height, width)
    for rows, columns in places:
        count[rows, columns] += 1
    for case, image in enumerate(images):
        before = context.score(image[None], case)
        for begin in range(0, len(places), context.chunk):
            some = places[begin : begin + context.chunk]
            seen = image.repeat(len(some), 1, 1, 1)
            for number, (rows, columns) in enumerate(some):
                seen[number, :, rows, columns] = baseline[case, :, rows, columns]
            lost = before - context.score(seen, case)
            for number, (rows, columns) in enumerate(some):
                total[case, :, rows, columns] += lost[number, :, None, None]
    return total / count


def rise(context: ImageContext, masks: int = MASKS, cells: int = CELLS) -> Tensor:
    r"""Show random parts of the image (RISE, Petsiuk et al. 2018), and take what the score gains where a pixel is shown.

    $$\frac{\sum_n (y_n - \bar y)\, m_n(u)}{\sum_n m_n(u)}$$

    for masks $m_n$ with which the image is multiplied. The mean $\bar y$ is subtracted since logits may have any sign; as
    published it adds the same to every pixel. Signed; the same masks for every case of the same number and seed.

    Parameters
    ----------
    context : ImageContext
        What is hidden is filled from its baseline.
    masks, cells : int
        How many masks, and how many cells a side they have before they are enlarged.

    Returns
    -------
    (B, K, H, W) Tensor
    """
    images, baseline = context.images, BASELINES[context.baseline](context.images)
    maps = []
    for case, (image, other) in enumerate(zip(images, baseline, strict=True)):
        seed = zlib.crc32(f"rise/{context.cases[case]}/{context.seed}".encode())
        shown = _random_masks(masks, cells, image, torch.Generator().manual_seed(seed))
        scores = torch.cat(
            [
                context.score(other + some[:, None] * (image - other), case)
                for some in torch.split(shown, context.chunk)
            ]
        )
        gain = torch.einsum("nk,nhw->khw", scores - scores.mean(0), shown)
        maps.append(gain / shown.sum(0).clamp_min(torch.finfo(gain.dtype).eps))
    return torch.stack(maps)


def _random_masks(count: int, cells: int, image: Tensor, generator: torch.Generator) -> Tensor:
    """Enlarge random grids of 0 and 1 and shift each by less than a cell: (N, H, W)."""
    height, width = image.shape[1:]
    high, wide = math.ceil(height / cells), math.ceil(width / cells)
    grid = (torch.rand(count, 1, cells + 1, cells + 1, generator=generator) < SHOWN).float()
    large = F.interpolate(
        grid, size=((cells + 1) * high, (cells + 1) * wide), mode="bilinear", align_corners=False
    )
    tops = torch.randint(0, high, (count,), generator=generator).tolist()
    lefts = torch.randint(0, wide, (count,), generator=generator).tolist()
    cut = [
        plane[0, top : top + height, left : left + width]
        for plane, top, left in zip(large, tops, lefts, strict=True)
    ]
    return torch.stack(cut).to(image)


OCCLUSION = ImageMethod(
    title="occlusion",
    formula=r"\operatorname{ReLU} \operatorname{mean}_{W \ni u} \bigl( y(x) - y(x \text{ without } W) \bigr)",
    citation="Zeiler & Fergus 2014",
    maps=lambda context: occlusion(context).clamp_min(0),
    slow=True,
)
RISE = ImageMethod(
    title="RISE",
    formula=r"\operatorname{ReLU} \sum_n (y_n - \bar y)\, m_n \big/ \sum_n m_n",
    citation="Petsiuk et al. 2018",
    maps=lambda context: rise(context).clamp_min(0),
    slow=True,
)
