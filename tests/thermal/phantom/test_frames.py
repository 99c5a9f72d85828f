"""Single pictures: exact truth, independence, views, overlays, cameras."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from prismseg.base import ConfigError
from prismseg.thermal.phantom import (
    DOMAINS,
    FRAMINGS,
    LEFT,
    RIGHT,
    TERRITORIES,
    Camera,
    draw_export,
    draw_subject,
    frame_at,
    stream,
)
from prismseg.thermal.phantom.frame import render_frame
from prismseg.thermal.phantom.painting.canvas import Motion
from prismseg.thermal.phantom.painting.raster import coverage
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import draw_varied_temperatures

SMALL = (96, 128)
EVERY = [(domain, framing) for domain in DOMAINS for framing in FRAMINGS]
PLAIN = Camera(
    blur=0.6, coarseness=1.0, vignetting=0.0, stripes=0.0, rows=0.0, drift=0.0, noise=0.07, dead=0, smoothing=0
)


def same(first, second):
    names = ("celsius", "grey", "mask", "labels", "territories", "truth")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)


def shoot(domain="spline", framing="soles", seed=1, **change):
    """A usual scene; what is not stated stays the same from call to call."""
    rng = np.random.default_rng(99)
    settings = {
        "domain": domain,
        "spec": SceneSpec(framing, draw_varied_temperatures(rng), varied=False),
        "camera": PLAIN,
        "export": replace(draw_export(rng), overlay=False, jpeg=0),
        "motion": Motion(),
        "size": SMALL,
        "noise": 5,
    } | change
    noise = np.random.default_rng(settings.pop("noise"))
    return render_frame(np.random.default_rng(seed), noise, **settings)


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


@pytest.mark.parametrize("domain", DOMAINS)
def test_territories_lie_on_soles_alone_and_leave_nothing_out(domain):
    seen = set()
    for number in range(6):
        frame = frame_at(4, number, [domain], ["soles"], size=SMALL)
        np.testing.assert_array_equal(frame.territories > 0, frame.labels > 0)
        seen |= set(np.unique(frame.territories))
        above = frame_at(4, number, [domain], ["above"], size=SMALL)
        assert not above.territories.any()
    assert seen == set(range(len(TERRITORIES) + 1))


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
        # Turned pictures are painted on another fine raster, and soft edges are sharp here: borders may differ.
        assert (again != frame.labels).mean() < 0.01
        inner = ndimage.binary_erosion(again > 0, iterations=3) & (best > 0.99)
        assert (again == frame.labels)[inner].mean() > 0.98


def test_every_picture_is_a_function_of_seed_and_number():
    for number in (0, 7, 31):
        assert same(frame_at(5, number, size=SMALL), frame_at(5, number, size=SMALL))
    assert not same(frame_at(5, 0, size=SMALL), frame_at(6, 0, size=SMALL))
    assert not same(frame_at(5, 0, size=SMALL), frame_at(5, 1, size=SMALL))
    walk = stream(5, start=1, step=3, size=SMALL)
    for number in (1, 4, 7):
        assert same(next(walk), frame_at(5, number, size=SMALL))


def test_domains_are_independent_of_those_beside_them():
    kept = [name for name in DOMAINS if name != "blob"]
    drawn = [frame_at(2, number, kept, size=(48, 64)).domain for number in range(60)]
    assert set(drawn) == set(kept)
    # Chosen among others or alone, a number of a domain is the same picture.
    for number in range(8):
        frame = frame_at(2, number, size=SMALL)
        assert same(frame, frame_at(2, number, [frame.domain], size=SMALL))
    # Another domain's picture of a number is no copy of its pose.
    masks = [frame_at(2, 5, [domain], ["soles"], size=SMALL).mask for domain in DOMAINS]
    for one in range(len(masks)):
        for other in range(one):
            both = (masks[one] & masks[other]).sum() / (masks[one] | masks[other]).sum()
            assert both < 0.9


def test_framings_and_domains_come_equally_often():
    frames = [frame_at(0, number, size=(32, 32)) for number in range(240)]
    for domain in DOMAINS:
        assert 40 <= sum(frame.domain == domain for frame in frames) <= 80
    assert 90 <= sum(frame.framing == "soles" for frame in frames) <= 150


@pytest.mark.parametrize("framing", FRAMINGS)
def test_overlays_are_drawn_on_the_grey_picture_alone(framing):
    export = replace(draw_export(np.random.default_rng(0)), jpeg=0)
    bare, marked = (
        shoot(framing=framing, export=replace(export, overlay=overlay), size=(240, 320))
        for overlay in (False, True)
    )
    np.testing.assert_array_equal(bare.celsius, marked.celsius)
    np.testing.assert_array_equal(bare.labels, marked.labels)
    changed = (bare.grey != marked.grey).mean()
    assert 0.0005 < changed < 0.2


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_patients_right_foot_is_on_the_left_of_an_upright_picture(domain):
    for seed in range(8):
        frame = shoot(domain, seed=seed)
        right, left = (ndimage.center_of_mass(frame.labels == label)[1] for label in (RIGHT, LEFT))
        assert right < left
        mirrored = shoot(domain, seed=seed, mirrored=True)
        right, left = (ndimage.center_of_mass(mirrored.labels == label)[1] for label in (RIGHT, LEFT))
        assert left < right


def test_big_toes_and_medial_territories_face_the_other_foot():
    medial = TERRITORIES.index("medial plantar") + 1
    lateral = TERRITORIES.index("lateral plantar") + 1
    for domain in DOMAINS:
        frame = shoot(domain, seed=3, size=(240, 320))
        for label, side in ((LEFT, -1), (RIGHT, 1)):
            place = {
                kind: ndimage.center_of_mass((frame.territories == kind) & (frame.labels == label))[1]
                for kind in (medial, lateral)
            }
            assert (place[medial] - place[lateral]) * side > 3


@pytest.mark.parametrize(("domain", "framing"), EVERY)
def test_views_turn_and_mirror_pictures_with_their_truth(domain, framing):
    upright = shoot(domain, framing, size=SMALL)
    for turns in range(4):
        for mirrored in (False, True):
            # A camera on its side sees the scene composed for its upright shape.
            size = SMALL if turns % 2 == 0 else SMALL[::-1]
            frame = shoot(domain, framing, size=size, turns=turns, mirrored=mirrored)
            for name in ("truth", "labels", "territories", "mask"):
                want = np.rot90(getattr(upright, name), turns)
                np.testing.assert_array_equal(getattr(frame, name), want[:, ::-1] if mirrored else want)
            assert frame.celsius.shape == frame.grey.shape == size
            assert np.abs(frame.celsius - frame.truth).mean() < 0.4
            assert frame.left == pytest.approx(upright.left, abs=1e-6)


def test_outlines_turn_with_the_picture():
    for turns in range(4):
        for mirrored in (False, True):
            size = SMALL if turns % 2 == 0 else SMALL[::-1]
            frame = shoot("ellipse", size=size, turns=turns, mirrored=mirrored)
            for label in (LEFT, RIGHT):
                points = np.vstack([np.vstack(layer.curves) for layer in frame.layers if layer.label == label])
                middle = np.array(ndimage.center_of_mass(frame.labels == label))
                assert np.abs(points.mean(axis=0) - middle).max() < 0.2 * size[0]


def test_noise_is_that_of_the_camera():
    """Two pictures of one scene differ by noise alone: its SD is that of the difference over the root of two."""
    for noise in (0.05, 0.08, 0.3):
        camera = replace(PLAIN, noise=noise)
        first, second = (shoot(camera=camera, noise=seed, size=(240, 320)) for seed in (1, 2))
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
    # Coarse pixels keep the size of the picture and its mean.
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


def test_size_changes_sampling_only():
    for domain, framing in EVERY:
        small, large = (shoot(domain, framing, size=size) for size in ((120, 160), (240, 320)))
        assert small.mask.mean() == pytest.approx(large.mask.mean(), rel=0.05)
        assert small.left == pytest.approx(large.left, abs=0.15)


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({"domains": ["spline", "clay"]}, "'clay'.*spline, ellipse, blob, solid"),
        ({"domains": []}, "at least one domain"),
        ({"framings": ["side"]}, "'side'.*soles, above"),
        ({"framings": []}, "at least one framing"),
        ({"size": (240, 31)}, "too small"),
    ],
)
def test_refusals(choice, word):
    with pytest.raises(ConfigError, match=word):
        frame_at(0, 0, **choice)
    if "size" not in choice:
        with pytest.raises(ConfigError, match=word):
            draw_subject(0, 0, **choice)
