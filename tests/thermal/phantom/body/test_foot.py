"""A foot that goes on as a leg: where it begins, by hand."""

import numpy as np
import pytest

from prismseg.thermal.anatomy import LEFT
from prismseg.thermal.phantom.body.aim import Aim, SeenFoot, draw_aim
from prismseg.thermal.phantom.body.foot import Ankle, Placement, paint_foot, place_foot
from prismseg.thermal.phantom.painting.canvas import Canvas, Motion
from prismseg.thermal.phantom.painting.shapes import ellipse
from prismseg.thermal.phantom.scene.ingredients import Extras

BODY = [np.array([(-0.1, -0.2), (0.8, -0.2), (0.8, 0.2), (-0.1, 0.2)])]
TOES = [ellipse((0.9, side / 10), (0.1, 0.04)) for side in (2, 1, 0, -1, -2)]


def test_a_foot_begins_at_a_straight_line_where_nothing_is_seen():
    canvas = Canvas((100, 100), Motion())
    canvas.celsius[:] = 20.0
    # Ankle at row 0.4, toes downwards; the leg comes from above and is as wide as the foot.
    place = Placement(row=0.4, column=0.5, lean=np.pi, length=0.5, outward=-1)
    leg = np.array([(-0.1, 0.4), (0.45, 0.4), (0.45, 0.6), (-0.1, 0.6)])
    spots = np.where(canvas.rows < 0.2, np.float32(-3), np.float32(0))
    ankle = Ankle((leg,), (0.42, 0.5), (1.0, 0.0), spots)
    foot = place_foot(BODY, TOES, place, LEFT)
    paint_foot(canvas, foot, lambda skin: np.zeros_like(skin.u), 32.0, 10.0, ankle=ankle)
    labels = canvas.labels()
    columns = slice(42, 58)
    # 0.42 image heights are the border between rows 41 and 42.
    assert (labels[42:80, columns] == LEFT).all() and not labels[:42].any()
    np.testing.assert_allclose(canvas.celsius[22:80, columns], 32.0, atol=1e-4)
    np.testing.assert_allclose(canvas.celsius[:18, columns], 29.0, atol=1e-4)


FEET = {1: SeenFoot((0.5, 0.6), 0.4)}


@pytest.mark.parametrize(
    ("extras", "moved"),
    [
        (Extras(), (0.5, 0.6)),
        # A quarter of the length of 0.4 lies below the lower border: its end is at 1.1, its middle at 0.9.
        (Extras(cut="bottom", cut_share=0.25), (0.9, 0.6)),
        (Extras(cut="top", cut_share=0.5), (0.0, 0.6)),
        # Half widths are a fifth of the length, 0.08.
        (Extras(cut="left", cut_share=0.25), (0.5, 0.04)),
        (Extras(cut="right", cut_share=0.25), (0.5, 4 / 3 - 0.04)),
    ],
)
def test_aims_by_hand(extras, moved):
    aim, label = draw_aim(np.random.default_rng(0), FEET, 4 / 3, extras)
    assert label == 1 and aim.scale == 1
    assert aim.move(FEET[1].middle) == pytest.approx(moved)


def test_close_ups_and_feet_below_the_image():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        close, _ = draw_aim(rng, FEET, 4 / 3, Extras(close_up=True))
        assert 0.75 <= close.scale * 0.4 <= 1.3
        row, column = close.move(FEET[1].middle)
        assert abs(row - 0.5) < 0.4 and abs(column - 2 / 3) < 0.5
        away, _ = draw_aim(rng, FEET, 4 / 3, Extras(feet=False))
        assert away.move(FEET[1].middle)[0] - 0.2 > 1
    assert Aim() == Aim(1.0, (0.0, 0.0))
