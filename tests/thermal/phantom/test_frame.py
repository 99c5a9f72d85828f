"""Single frames: exact truth, views, sizes, sides."""

import numpy as np
import pytest
from scipy import ndimage
from tests.thermal.phantom.scenes import EVERY, SMALL, render_usual

from prismseg.thermal.phantom import DOMAINS, LEFT, RIGHT, frame_at
from prismseg.thermal.phantom.painting.raster import coverage


@pytest.mark.parametrize(("domain", "framing"), EVERY)
def test_truth_is_exact(domain, framing):
    for number in range(12):
        frame = frame_at(3, number, [domain], [framing], size=SMALL)
        assert (frame.domain, frame.framing) == (domain, framing)
        kinds = [frame.celsius.dtype, frame.truth.dtype, frame.grey.dtype, frame.mask.dtype, frame.labels.dtype]
        assert kinds == [np.float32, np.float32, np.uint8, np.uint8, np.uint8]
        assert np.isfinite(frame.celsius).all() and np.isfinite(frame.truth).all()
        np.testing.assert_array_equal(frame.mask, frame.labels > 0)
        assert set(np.unique(frame.labels)) <= {0, LEFT, RIGHT}
        for label, mean in ((LEFT, frame.left), (RIGHT, frame.right)):
            inside = frame.labels == label
            if inside.any():
                assert mean == frame.truth[inside].mean(dtype=np.float64)
            else:
                assert np.isnan(mean)


def test_labels_can_be_made_again_from_the_layers():
    """Outlines are the truth that pixels are sampled from: painted anew, they give the same labels."""
    for number in range(16):
        frame = frame_at(8, number, size=SMALL)
        window = slice(0, SMALL[0]), slice(0, SMALL[1])
        share = np.zeros((3, *SMALL))
        for layer in frame.layers:
            cover = coverage(layer.curves, window)
            share *= 1 - cover
            share[layer.label] += cover
        best = share[1:].max(axis=0)
        again = np.where(best >= 0.5, share[1:].argmax(axis=0) + 1, 0)
        # Turned frames are painted on another fine raster, and soft edges are sharp here: borders may differ.
        assert (again != frame.labels).mean() < 0.01
        inner = ndimage.binary_erosion(again > 0, iterations=3) & (best > 0.99)
        assert (again == frame.labels)[inner].mean() > 0.98


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_patients_right_foot_is_on_the_left_of_an_upright_frame(domain):
    for seed in range(8):
        frame = render_usual(domain, seed=seed)
        right, left = (ndimage.center_of_mass(frame.labels == label)[1] for label in (RIGHT, LEFT))
        assert right < left
        mirrored = render_usual(domain, seed=seed, mirrored=True)
        right, left = (ndimage.center_of_mass(mirrored.labels == label)[1] for label in (RIGHT, LEFT))
        assert left < right


@pytest.mark.parametrize(("domain", "framing"), EVERY)
def test_views_turn_and_mirror_frames_with_their_truth(domain, framing):
    upright = render_usual(domain, framing, size=SMALL)
    for turns in range(4):
        for mirrored in (False, True):
            # A camera on its side sees the scene composed for its upright shape.
            size = SMALL if turns % 2 == 0 else SMALL[::-1]
            frame = render_usual(domain, framing, size=size, turns=turns, mirrored=mirrored)
            for name in ("truth", "labels", "territories", "mask"):
                want = np.rot90(getattr(upright, name), turns)
                np.testing.assert_array_equal(getattr(frame, name), want[:, ::-1] if mirrored else want)
            assert frame.celsius.shape == frame.grey.shape == size
            assert np.abs(frame.celsius - frame.truth).mean() < 0.4
            assert frame.left == pytest.approx(upright.left, abs=1e-6)


def test_outlines_turn_with_the_frame():
    for turns in range(4):
        for mirrored in (False, True):
            size = SMALL if turns % 2 == 0 else SMALL[::-1]
            frame = render_usual("ellipse", size=size, turns=turns, mirrored=mirrored)
            for label in (LEFT, RIGHT):
                points = np.vstack([np.vstack(layer.curves) for layer in frame.layers if layer.label == label])
                middle = np.array(ndimage.center_of_mass(frame.labels == label))
                assert np.abs(points.mean(axis=0) - middle).max() < 0.2 * size[0]


def test_size_changes_sampling_only():
    for domain, framing in EVERY:
        small, large = (render_usual(domain, framing, size=size) for size in ((120, 160), (240, 320)))
        assert small.mask.mean() == pytest.approx(large.mask.mean(), rel=0.05)
        assert small.left == pytest.approx(large.left, abs=0.15)
