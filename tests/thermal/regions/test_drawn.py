from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.draw import disk
from tests.thermal.feet import SIZE, Foot, frame_of, pair

from prismseg.base import ConfigError
from prismseg.thermal import DrawnRegions, Frame, Session, find_territories, read_drawn_regions


def spot(foot: Foot, u: float, v: float, radius: float) -> np.ndarray:
    """Pixels of a round spot on the skin at (u, v)."""
    there = foot.sole_coordinates()
    return (there[0] - u) ** 2 + (there[1] - v) ** 2 <= radius**2


def drawn_on(feet: tuple[Foot, Foot], u: float = 0.6, v: float = 0.05, radius: float = 0.07) -> DrawnRegions:
    mask = spot(feet[0], u, v, radius)
    return DrawnRegions("t0", {"wound": mask})


def test_on_its_own_frame_it_has_the_pixels_that_were_drawn() -> None:
    feet = pair(turn=7.0)
    mask = np.zeros(SIZE, bool)
    mask[disk((110, 215), 14)] = True
    mask[disk((110, 215), 5)] = False  # a hole
    mask[108:112, 213:217] = True  # an island in it
    sole = feet[0].mask()
    territories = {"left": find_territories(sole, "left")}
    (placed,) = DrawnRegions("t0", {"wound": mask}).place(territories)["left"]
    u, v = territories["left"].registration.over(slice(0, SIZE[0]), slice(0, SIZE[1]))
    found = placed.regions[0].within(placed.label_at(u, v)) & sole
    assert (mask & sole).sum() > 300
    assert (found != (mask & sole)).sum() <= 2


def test_it_moves_with_the_skin() -> None:
    """A warm spot of the skin stays within its region when the foot is shifted, turned and scaled."""
    before, after = pair(), pair(shift=(14.0, -20.0), turn=9.0, length=142.0)
    drawn = drawn_on(before, radius=0.08)
    session = Session(drawn=drawn)
    for name, minute, feet, warmth in (("t0", 0, before, 2.0), ("t5", 5, after, 4.0)):
        frame, mask = frame_of(28.0, 28.0, feet)
        celsius = frame.celsius.copy()
        celsius[spot(feet[0], 0.6, 0.05, 0.06)] += warmth
        # A ring around the region has no part in it.
        celsius[spot(feet[0], 0.6, 0.05, 0.16) & ~spot(feet[0], 0.6, 0.05, 0.10)] -= 3.0
        session.add(Frame(celsius, source=name), mask, minute=minute)
    share = (0.06 / 0.08) ** 2
    for entry, warmth in zip(session.entries, (2.0, 4.0), strict=True):
        found = entry.estimates["left"]["wound"]
        assert found.mean == pytest.approx(28.0 + share * warmth, abs=0.25)
        assert "wound" not in entry.estimates["right"]
    change = session.delta(session.entries[1], "left", "wound")
    assert change.low < share * 2.0 < change.high
    assert not session.delta(session.entries[1], "right", "wound").known
    assert session.regions[-1] == "wound"
    table = session.table().query("region == 'wound' and side == 'left'")
    assert table.pixels.min() > 100 and table["max"].iloc[1] > 31.5


def test_a_change_is_given_of_a_region_on_a_sole_that_the_border_cuts() -> None:
    """The heel leaves the picture; the region, on the ball, is seen in both frames."""
    feet = pair()
    session = Session(drawn=drawn_on(feet))
    for name, minute, left, down in (("t0", 0, 28.0, 0), ("t5", 5, 29.5, 80)):
        frame, mask = frame_of(left, 28.0, feet, seed=minute)
        celsius = np.concatenate([np.repeat(frame.celsius[:1], down, axis=0), frame.celsius[: SIZE[0] - down]])
        mask = np.concatenate([np.repeat(mask[:1], down, axis=0), mask[: SIZE[0] - down]])
        session.add(Frame(celsius, source=name), mask, minute=minute)
    late = session.entries[1]
    assert late.soles is not None and late.soles.outside["left"] > 0.05
    change = session.delta(late, "left", "wound")
    assert change.value == pytest.approx(1.5, abs=0.1) and change.low < 1.5 < change.high
    assert not session.delta(late, "right", "wound").known


def test_two_shapes_of_one_name_on_both_soles_are_compared() -> None:
    feet = pair()
    mask = spot(feet[0], 0.6, 0.05, 0.08) | spot(feet[1], 0.6, 0.05, 0.08)
    session = Session(drawn=DrawnRegions("t0", {"ball": mask}))
    for name, minute, left in (("t0", 0, 28.0), ("t5", 5, 30.0)):
        frame, soles = frame_of(left, 28.0, feet)
        session.add(Frame(frame.celsius, source=name), soles, minute=minute)
    assert session.difference(session.entries[1], "ball").value == pytest.approx(-2.0, abs=0.05)


def test_frames_before_the_drawing_have_no_numbers_of_it() -> None:
    feet = pair()
    session = Session(drawn=drawn_on(feet))
    for seed, (name, minute) in enumerate((("t-5", -5), ("t0", 0), ("t5", 5))):
        frame, mask = frame_of(28.0, 28.0, feet, seed=seed)
        session.add(Frame(frame.celsius, source=name), mask, minute=minute)
    assert ["wound" in entry.estimates["left"] for entry in session.entries] == [False, True, True]


def test_what_lies_beside_the_soles_is_told() -> None:
    feet = pair()
    territories = {foot.side: find_territories(foot.mask(), foot.side) for foot in feet}
    mask = np.zeros(SIZE, bool)
    mask[:, : SIZE[1] // 2] = True
    shares = DrawnRegions("t0", {"half": mask}).shares(territories)["half"]
    assert shares["left"] == 0 and shares["right"] == pytest.approx(feet[1].mask().sum() / mask.sum())


def test_another_size_is_an_error() -> None:
    session = Session(drawn=DrawnRegions("t0", {"wound": np.ones((120, 160), bool)}))
    frame, mask = frame_of(28.0, 28.0)
    with pytest.raises(ConfigError, match=r"120 x 160 pixels, and t0 has 240 x 320"):
        session.add(Frame(frame.celsius, source="t0"), mask, minute=0)


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ({}, "No region"),
        ({"a": np.zeros((9, 9), bool)}, "'a' holds no pixel"),
        ({"a": np.ones((9, 9), bool), "b": np.ones((8, 9), bool)}, "differ in size"),
    ],
)
def test_drawings_without_regions(masks: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DrawnRegions("t0", masks)


# --- files -------------------------------------------------------------------------------------------------------------


def polygons(path: Path, *shapes: object, **more: object) -> Path:
    path.write_text(json.dumps({"shapes": list(shapes), **more}))
    return path


def test_polygons_as_labelme_writes_them(tmp_path: Path) -> None:
    square = {"label": "wound", "points": [[10, 20], [30, 20], [30, 60], [10, 60]], "shape_type": "polygon"}
    corner = {"label": " wound", "points": [[0, 0], [4, 6]], "shape_type": "rectangle"}
    other = {"label": "scar", "points": [[50, 50], [60, 50], [60, 60]]}
    drawn = read_drawn_regions(polygons(tmp_path / "a.json", square, corner, other), (120, 160), "t0")
    assert drawn.names == ("wound", "scar") and drawn.source == "t0"
    expected = np.zeros((120, 160), bool)
    expected[20:60, 10:30] = expected[:6, :4] = True
    np.testing.assert_array_equal(drawn.masks["wound"], expected)
    # Drawn on the same picture at twice its size.
    twice = {"label": "wound", "points": [[20, 40], [60, 40], [60, 120], [20, 120]]}
    path = polygons(tmp_path / "b.json", twice, imageHeight=240, imageWidth=320)
    assert read_drawn_regions(path, (120, 160), "t0").masks["wound"].sum() == 800


def test_labels_of_a_mask(tmp_path: Path) -> None:
    labels = np.zeros((120, 160), np.uint8)
    labels[20:60, 10:30], labels[70:80, 40:50] = 2, 7
    Image.fromarray(labels).save(tmp_path / "a.png")
    Image.fromarray(labels.repeat(2, 0).repeat(2, 1)).save(tmp_path / "twice.png")
    for name in ("a.png", "twice.png"):
        drawn = read_drawn_regions(tmp_path / name, (120, 160), "t0")
        assert {region: int(mask.sum()) for region, mask in drawn.masks.items()} == {
            "region 2": 800,
            "region 7": 100,
        }
        np.testing.assert_array_equal(drawn.masks["region 2"], labels == 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "holds no regions"),
        ('{"shapes": []}', "holds no regions"),
        ('{"shapes": [{"label": "a", "points": [[0, 0], [9, 0]]}]}', "points of shape 1"),
        ('{"shapes": [{"label": "a", "points": [[0, 0], [9, null], [9, 9]]}]}', "points of shape 1"),
        ('{"shapes": [{"label": "a", "points": "x"}]}', "points of shape 1"),
        ('{"shapes": [{"label": "", "points": [[0, 0], [9, 0], [9, 9]]}]}', "no label"),
        ('{"shapes": [{"label": "a", "shape_type": "point", "points": [[0, 0]]}]}', "no polygon"),
        ('{"shapes": ["a"]}', "no polygon"),
        ('{"shapes": [{"label": "a", "points": [[0, 0], [9, 9], [9, 0], [0, 9]]}]}', r"shape 1 \(a\) .* crosses itself"),
        ('{"shapes": [{"label": "heel", "points": [[0, 0], [9, 0], [9, 9]]}]}', "'heel', which is measured anyway"),
        ('{"shapes": [{"label": "a", "points": [[900, 900], [909, 900], [909, 909]]}]}', "reaches beyond the frame"),
        ('{"shapes": [{"label": "a", "points": [[150, 100], [170, 100], [170, 110]]}]}', "which has 120 x 160 pixels"),
        ('{"shapes": [{"label": "a", "points": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]}]}', "no pixel of the frame"),
        ('{"shapes": [{"label": "a", "points": [[0, 0], [9, 0], [9, 9]]}], "imageHeight": 90, "imageWidth": 90}',
         "not the same picture"),
        ('{"shapes": [{"label": "a", "points": [[0, 0], [9, 0], [9, 9]]}], "imageHeight": "x", "imageWidth": 90}',
         "cannot be"),
    ],
)  # fmt: skip
def test_bad_polygons(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "regions.json").write_text(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_drawn_regions(tmp_path / "regions.json", (120, 160), "t0")
    assert "regions.json" in str(caught.value)


def test_bad_masks(tmp_path: Path) -> None:
    for name, labels, words in (
        ("empty", np.zeros((120, 160), np.uint8), "every pixel is 0"),
        ("photo", np.arange(120 * 160, dtype=np.uint8).reshape(120, 160), "stored as a photograph"),
        ("other", np.ones((100, 100), np.uint8), "not the same picture"),
    ):
        Image.fromarray(labels).save(tmp_path / f"{name}.png")
        with pytest.raises(ConfigError, match=words):
            read_drawn_regions(tmp_path / f"{name}.png", (120, 160), "t0")
    labels = np.zeros((120, 160), np.uint8)
    labels[20:60, 20:60] = 7
    Image.fromarray(labels).save(tmp_path / "labels.jpg")
    with pytest.raises(ConfigError, match="changes the numbers"):
        read_drawn_regions(tmp_path / "labels.jpg", (120, 160), "t0")
