"""Marks that are burned into grey images."""

from dataclasses import replace

import numpy as np
import pytest
from tests.thermal.phantom.scenes import render_usual

from prismseg.thermal.phantom import FRAMINGS, draw_export


@pytest.mark.parametrize("framing", FRAMINGS)
def test_overlays_are_drawn_on_the_grey_image_alone(framing):
    export = replace(draw_export(np.random.default_rng(0)), jpeg=0)
    bare, marked = (
        render_usual(framing=framing, export=replace(export, overlay=overlay), size=(240, 320))
        for overlay in (False, True)
    )
    np.testing.assert_array_equal(bare.celsius, marked.celsius)
    np.testing.assert_array_equal(bare.labels, marked.labels)
    changed = (bare.grey != marked.grey).mean()
    assert 0.0005 < changed < 0.2
