"""Every kind of screen leaves most of the image as it is."""

from dataclasses import replace

import numpy as np
import pytest

from prismseg.thermal.phantom.camera.screens import SCREEN_KINDS, SCREENS, burn_in


@pytest.mark.parametrize("kind", range(len(SCREEN_KINDS)), ids=[draw.__name__ for draw in SCREEN_KINDS])
@pytest.mark.parametrize("size", [(240, 320), (320, 240), (96, 128)])
def test_screens(kind, size):
    chances = tuple(float(number == kind) for number in range(len(SCREEN_KINDS)))
    image, changed = np.full(size, 100, np.uint8), []
    for seed in range(4):
        marked = burn_in(
            image,
            np.random.default_rng(seed),
            (21.0, 33.5),
            inverted=False,
            parameters=replace(SCREENS, chances=chances),
        )
        assert marked.shape == size and marked.dtype == np.uint8
        changed.append((marked != 100).mean())
    assert np.mean(changed) > 0.002 and max(changed) < 0.3
    assert (image == 100).all() and sum(SCREENS.chances) == pytest.approx(1)
