"""What a camera makes of a scene, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.thermal.phantom.scenes import PLAIN, render_usual

from prismseg.thermal.phantom import draw_subject


def test_noise_is_that_of_the_camera():
    """Two frames of one scene differ by noise alone: its SD is that of the difference over the root of two."""
    for noise in (0.05, 0.08, 0.3):
        camera = replace(PLAIN, noise=noise)
        first, second = (render_usual(camera=camera, noise=seed, size=(240, 320)) for seed in (1, 2))
        np.testing.assert_array_equal(first.truth, second.truth)
        assert (first.celsius - second.celsius).std() / np.sqrt(2) == pytest.approx(noise, rel=0.02)
    for number in range(20):
        assert 0.05 <= draw_subject(0, number).camera.noise <= 0.08


def test_camera_by_hand():
    even = np.full((81, 81), 25.0, np.float32)
    rng = np.random.default_rng
    corner = replace(PLAIN, noise=0.0, vignetting=0.3).measure(rng(0), even)
    assert corner[40, 40] == pytest.approx(25.0, abs=1e-4) and corner[0, 0] == pytest.approx(24.7, abs=1e-4)
    striped = replace(PLAIN, noise=0.0, stripes=0.1).measure(rng(0), even)
    assert np.ptp(striped, axis=0).max() < 1e-5 and striped[0].std() == pytest.approx(0.1, rel=0.3)
    # Coarse pixels keep the size of the image and its mean.
    coarse = replace(PLAIN, noise=0.0, coarseness=2.0).measure(rng(0), even)
    assert coarse.shape == even.shape and coarse.mean() == pytest.approx(25.0, abs=1e-4)
    step = np.zeros((64, 64), np.float32)
    step[:, 32:] = 10
    blurred = replace(PLAIN, noise=0.0, blur=2.0).measure(rng(0), step)
    # The edge spread of a Gaussian of SD 2 rises from 16 % to 84 % within 4 pixels.
    assert np.interp(8.41, blurred[32], np.arange(64)) - np.interp(
        1.59, blurred[32], np.arange(64)
    ) == pytest.approx(4, abs=0.3)
    dead = replace(PLAIN, noise=0.0, dead=5).measure(rng(0), even)
    assert 1 <= (np.abs(dead - 25) > 0.01).sum() <= 5
