from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from prismseg.study.kinds.segmentation.figures import draw_against_size, draw_boxes, draw_layers, draw_segmentation

ARCHS, SKIPS, SIZES, CLASSES = ("unet", "fcn", "resunet"), ("none", "conv", "crffg"), ("20", "100", "all"), "ab"
AXES = ["arch", "skip", "images"]


def value_of(arch: str, skip: str, size: str, cls: str, layer: str) -> float:
    """A value that says where it belongs."""
    return (
        ARCHS.index(arch)
        + SKIPS.index(skip) / 10
        + SIZES.index(size) / 100
        + CLASSES.index(cls) / 1000
        + (int(layer[5:]) / 1e4 if layer else 0.0)
    )


def planted(archs=ARCHS, sizes=SIZES) -> pd.DataFrame:
    rows = []
    for arch, skip, size, cls in itertools.product(archs, SKIPS, sizes, CLASSES):
        for layer in ("", *(f"layer{number}" for number in range(1, 3 + archs.index(arch)))):
            for case in range(4):
                shift = (case - 1.5) * 1e-6
                value = value_of(arch, skip, size, cls, layer) + shift
                rows.append((arch, skip, size, cls, layer, "rho" if layer else "dice", case, case % 2, value))
    return pd.DataFrame(rows, columns=[*AXES, "class", "layer", "measure", "case", "group", "value"])


def drawn_lines(panel) -> list:
    return [line for line in panel.lines if len(line.get_xdata())]


def test_many_variants_have_a_panel_for_each_value_of_the_first_axis():
    table = planted()
    figure = draw_against_size(table[table["layer"] == ""], AXES, "dice")
    assert [panel.get_title(loc="left") for panel in figure.axes] == [
        f"{arch}, {cls}" for arch in ARCHS for cls in CLASSES
    ]
    for panel, (arch, cls) in zip(figure.axes, itertools.product(ARCHS, CLASSES), strict=True):
        lines = drawn_lines(panel)
        wanted = [[value_of(arch, skip, size, cls, "") for size in SIZES] for skip in SKIPS]
        np.testing.assert_allclose([line.get_ydata() for line in lines], wanted, atol=1e-9)
    colours = [[line.get_color() for line in drawn_lines(panel)] for panel in figure.axes]
    assert all(each == colours[0] for each in colours), "a variant has one colour"
    key = figure.legends[0]
    assert [text.get_text() for text in key.texts] == list(SKIPS)
    assert [line.get_color() for line in key.get_lines()] == colours[0]


def test_few_variants_stay_together():
    table = planted(archs=("unet", "fcn"))
    figure = draw_against_size(table[table["layer"] == ""], AXES, "dice")
    assert [panel.get_title(loc="left") for panel in figure.axes] == list(CLASSES)
    names = [f"{arch}, {skip}" for arch in ("unet", "fcn") for skip in SKIPS]
    assert [text.get_text() for text in figure.legends[0].texts] == names


def test_layers_are_those_of_networks_with_the_most_images():
    table = planted(archs=("unet", "fcn"))
    figure = draw_layers(table[table["layer"] != ""], AXES, "rho")
    assert [panel.get_title(loc="left") for panel in figure.axes] == list(CLASSES)
    for panel, cls in zip(figure.axes, CLASSES, strict=True):
        for line, (arch, skip) in zip(drawn_lines(panel), itertools.product(("unet", "fcn"), SKIPS), strict=True):
            count = 2 + ARCHS.index(arch)
            wanted = [value_of(arch, skip, "all", cls, f"layer{number}") for number in range(1, count + 1)]
            np.testing.assert_allclose(line.get_ydata()[:count], wanted, atol=1e-9)
            assert np.isnan(line.get_ydata()[count:]).all(), "a layer that this network has not"


def test_each_architecture_has_its_own_layers():
    more = planted().assign(augmentation="none")
    table = pd.concat([more, more.assign(augmentation="thesis", value=more["value"] + 5)], ignore_index=True)
    figure = draw_layers(table[table["layer"] != ""], ["arch", "augmentation", "skip", "images"], "rho")
    panels = dict(zip(itertools.product(CLASSES, ARCHS), figure.axes, strict=True))
    for (cls, arch), panel in panels.items():
        layers = [f"layer{number}" for number in range(1, 3 + ARCHS.index(arch))]
        lines = drawn_lines(panel)
        wanted = [
            [value_of(arch, skip, "all", cls, layer) + shift for layer in layers]
            for shift, skip in itertools.product((0, 5), SKIPS)
        ]
        np.testing.assert_allclose([line.get_ydata() for line in lines], wanted, atol=1e-9)
        if cls == CLASSES[-1]:
            assert [label.get_text() for label in panel.get_xticklabels()] == layers


def test_boxes_hold_the_cases_of_their_point():
    table = planted()
    figure = draw_boxes(table[table["layer"] == ""], AXES, "dice")
    assert [panel.get_title(loc="left") for panel in figure.axes] == list(ARCHS)
    names = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert names == [f"{skip}, {size}" for skip in SKIPS for size in SIZES]
    for panel, arch in zip(figure.axes, ARCHS, strict=True):
        means = [line for line in panel.lines if line.get_marker() == "D"]
        wanted = [value_of(arch, *name.split(", "), cls, "") for cls in CLASSES for name in names]
        assert [line.get_ydata()[0] for line in means] == pytest.approx(wanted, abs=1e-9)


def test_every_measure_is_drawn():
    assert set(draw_segmentation(planted())) == {"boxes-dice", "size-dice", "layers-rho"}
