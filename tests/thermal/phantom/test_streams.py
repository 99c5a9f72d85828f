"""The stream for training: independent frames, equal shares, refusals."""

import pytest
from tests.thermal.phantom.scenes import SMALL, same

from prismseg.base import ConfigError
from prismseg.thermal.phantom import DOMAINS, draw_subject, frame_at, stream


def test_every_frame_is_a_function_of_seed_and_number():
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
    # Chosen among others or alone, a number of a domain is the same frame.
    for number in range(8):
        frame = frame_at(2, number, size=SMALL)
        assert same(frame, frame_at(2, number, [frame.domain], size=SMALL))
    # Another domain's frame of a number is no copy of its pose.
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
