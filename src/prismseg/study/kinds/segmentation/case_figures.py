"""Pictures of single cases: all variants side by side, each variant's extremes, and the maps of all layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from prismseg.explain.report.pictures import COLOURMAP, overlay_map, overlay_masks
from prismseg.inference.render import class_colour
from prismseg.study.drawing import new_figure
from prismseg.study.kinds.segmentation.predictions import CaseMaps, CasePrediction

_WIDTH = 1.45  # inches of a tile
_COLUMNS = 8  # of sheets of maps
_OPACITY = 0.5


@dataclass(frozen=True)
class Tile:
    """What one variant makes of one case.

    Attributes
    ----------
    case : str
        Its name.
    dice : float
        Mean over classes.
    content : CasePrediction
        Picture and masks.
    """

    case: str
    dice: float
    content: CasePrediction


def draw_side_by_side(
    tiles: Mapping[tuple[str, str], Tile],
    variants: Sequence[str],
    cases: Mapping[str, str],
    classes: Sequence[str],
    name: str,
) -> Figure:
    """Draw the same cases as every variant sees them: picture, truth, predictions with their Dice.

    Parameters
    ----------
    tiles : mapping
        By variant and case.
    variants : sequence of str
        Columns.
    cases : mapping of str to str
        Case of each row, by what it is (worst, median, best mean over the variants).
    classes : sequence of str
        Foreground classes.
    name : str
        What is the same in all variants.
    """
    contents = [tiles[variants[0], case].content for case in cases.values()]
    figure, panels = _grid(len(cases), len(variants) + 2, contents)
    for line, (rank, case), content in zip(panels, cases.items(), contents, strict=True):
        line[0].imshow(content.picture)
        _draw_masks(line[1], content.picture, content.truth, content.truth)
        line[0].set_ylabel(f"{rank}\n{case}", fontsize=8)
        for axes, variant in zip(line[2:], variants, strict=True):
            tile = tiles[variant, case]
            _draw_masks(axes, tile.content.picture, tile.content.prediction, tile.content.truth)
            axes.set_xlabel(f"Dice {tile.dice:.3f}", fontsize=8, labelpad=2)
    for axes, title in zip(panels[0], ["image", "truth", *variants], strict=True):
        axes.set_title(title, fontsize=9, pad=3)
    _finish(figure, classes, name)
    return figure


def draw_extremes(
    tiles: Mapping[tuple[str, str], Tile],
    own: Mapping[str, Mapping[str, str]],
    classes: Sequence[str],
    name: str,
) -> Figure:
    """Draw each variant's own worst, median and best case: picture beside prediction.

    Parameters
    ----------
    tiles : mapping
        By variant and case.
    own : mapping
        Its cases by variant and by what they are.
    classes, name
        As `draw_side_by_side`.
    """
    ranks = list(next(iter(own.values())))
    contents = [max((tiles[v, c].content for c in cases.values()), key=_aspect) for v, cases in own.items()]
    figure, panels = _grid(len(own), 2 * len(ranks), contents)
    for line, (variant, cases) in zip(panels, own.items(), strict=True):
        line[0].set_ylabel(variant, fontsize=9)
        for place, case in enumerate(cases.values()):
            tile = tiles[variant, case]
            line[2 * place].imshow(tile.content.picture)
            _draw_masks(line[2 * place + 1], tile.content.picture, tile.content.prediction, tile.content.truth)
            line[2 * place].set_xlabel(tile.case, fontsize=8, labelpad=2)
            line[2 * place + 1].set_xlabel(f"Dice {tile.dice:.3f}", fontsize=8, labelpad=2)
    for place, rank in enumerate(ranks):
        panels[0][2 * place].set_title(f"{rank}: image", fontsize=9, pad=3)
        panels[0][2 * place + 1].set_title("prediction", fontsize=9, pad=3)
    _finish(figure, classes, name)
    return figure


def draw_maps(maps: CaseMaps, classes: Sequence[str], name: str, case: str) -> Figure:
    """Draw the maps of all layers of one network for one case, a block a class.

    Parameters
    ----------
    maps : CaseMaps
        Of the network and the case.
    classes : sequence of str
        Foreground classes.
    name, case : str
        Of the network and the case.
    """
    rows = -(-(len(maps.layers) + 1) // _COLUMNS)
    height, width = maps.truth.shape
    tall = 1.25 * height / width + 0.34
    figure = _tight_figure(1.3 * _COLUMNS + 0.9, tall * rows * len(classes) + 0.4)
    panels = figure.subplots(rows * len(classes), _COLUMNS, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for number, cls in enumerate(classes):
        block = panels[number * rows : (number + 1) * rows].ravel()
        block[0].imshow(overlay_masks(maps.picture, maps.truth, maps.prediction))
        block[0].set_title(cls, fontsize=10, pad=3, weight="bold")
        for axes, layer, values, rho in zip(
            block[1:], maps.layers, maps.values[number], maps.rho[number], strict=False
        ):
            axes.imshow(overlay_map(maps.picture, values / np.float32(255), maps.truth == number + 1))
            axes.set_title(f"{layer}\nrho {rho:.2f}", fontsize=7, pad=2)
    figure.suptitle(
        f"{name}, case {case}: relevance of each layer (first: truth in colour, prediction in white)", fontsize=10
    )
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), COLOURMAP)
    bar = figure.colorbar(scale, ax=list(panels.flat), fraction=0.012, pad=0.01, aspect=40)
    bar.set_label("relevance, each map on its own scale", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _tight_figure(width: float, height: float) -> Figure:
    figure = new_figure(width, height)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    return figure


def _grid(rows: int, columns: int, contents: Sequence[CasePrediction]) -> tuple[Figure, NDArray[Any]]:
    """Make a figure whose rows are as high as their pictures are."""
    heights = [_aspect(content) * _WIDTH + 0.22 for content in contents]
    figure = _tight_figure(_WIDTH * columns + 0.4, sum(heights) + 0.75)
    panels: NDArray[Any] = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure, panels


def _aspect(content: CasePrediction) -> float:
    height, width = content.truth.shape
    return float(height / width)


def _draw_masks(axes: Axes, picture: NDArray[np.uint8], mask: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
    """Fill the classes of `mask` and outline those of `truth`."""
    shown = picture.astype(np.float32)
    for cls in np.unique(mask[(mask > 0) & (mask < 255)]):
        chosen = mask == cls
        shown[chosen] = (1 - _OPACITY) * shown[chosen] + _OPACITY * np.array(class_colour(int(cls)), np.float32)
    axes.imshow(shown.round().astype(np.uint8))
    for cls in np.unique(truth[(truth > 0) & (truth < 255)]):
        chosen = truth == cls
        if not chosen.all():
            # Dark below bright, so that the line is seen on white soles and on a black ground.
            axes.contour(chosen, levels=[0.5], colors="black", linewidths=1.8)
            axes.contour(chosen, levels=[0.5], colors="white", linewidths=0.8)


def _finish(figure: Figure, classes: Sequence[str], name: str) -> None:
    colours = (tuple(value / 255 for value in class_colour(number + 1)) for number in range(len(classes)))
    handles = [Patch(facecolor=colour, alpha=0.8, label=cls) for colour, cls in zip(colours, classes, strict=True)]
    outline = Line2D([], [], color="white", lw=1.5, label="outline: truth")
    figure.legend(
        handles=[*handles, outline], loc="outside lower center", ncols=len(classes) + 1, fontsize=8,
        facecolor="#b0b0b0", edgecolor="none",
    )  # fmt: skip
    if name:
        figure.suptitle(name, fontsize=10)
