from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from tests.thermal.feet import frame_of, mask_of, pair

from prismseg.base import ConfigError
from prismseg.thermal import (
    PALETTES,
    DrawnRegions,
    Frame,
    Parameters,
    PictureSettings,
    Session,
    draw_frame,
    draw_measured,
)
from prismseg.thermal.output.measured_picture import scale_of

PARAMETERS = Parameters(emissivity=0.98, reflected=21.0, distance=1.0, humidity=0.5)


@pytest.fixture(scope="module")
def session() -> Session:
    wound = np.zeros((240, 320), bool)
    wound[110:130, 95:115] = True
    session = Session(drawn=DrawnRegions("t0.jpg", {"wound": wound}))
    for minute, left in ((0, 27.0), (5, 29.0)):
        frame, mask = frame_of(
            left,
            27.0,
            seed=int(minute),
            time=datetime(2026, 11, 30, 9, minute),
            camera="Model X",
            parameters=PARAMETERS,
        )
        session.add(frame, mask, minute=minute, source=f"t{minute}.jpg")
    frame, _ = frame_of(29.0, 27.0, seed=7)
    session.add(frame, mask_of(*pair()) & False, minute=10, source="cost $5 or $6.jpg")
    session.add_failed(15, "It is empty.", "t15.jpg")
    return session


def written(figure: object) -> str:
    axes = figure.axes[0]  # type: ignore[attr-defined]
    return "\n".join([axes.get_title(loc="left"), *(text.get_text() for text in axes.texts)])


def test_means_changes_time_camera_and_parameters_are_on_the_picture(session: Session) -> None:
    text = written(draw_measured(session, session.entries[1]))
    for word in ("t5.jpg, 5 min", "left 29.0 ±", "right 27.0 ±", "Δ +2.0 ±", "2026-11-30 09:05:00", "Model X",
                 "emissivity 0.98", "reflected 21.0 °C", "1.0 m", "humidity 50%"):  # fmt: skip
        assert word in text
    assert "Δ" not in written(draw_measured(session, session.entries[0]))


def test_the_soles_have_a_scale_of_their_own(session: Session) -> None:
    frame = session.entries[1].frame
    assert frame is not None
    assert scale_of(session, "soles", frame) == (26, 30)
    assert scale_of(session, "all", frame) == (21, 30)
    assert scale_of(session, (18.0, 36.0), frame) == (18, 36)
    image = draw_measured(session, session.entries[1]).axes[0].images[0]
    assert image.get_clim() == (26, 30)
    assert scale_of(Session(), "each", frame) == (21, 30)


def test_histograms_hold_every_pixel_of_each_sole(session: Session) -> None:
    axes = draw_measured(session, session.entries[1]).axes[1]
    for patch, mean in zip(axes.patches, (29.0, 27.0), strict=True):
        corners = patch.get_path().vertices
        assert corners[:, 0].max() <= 100
        tallest = corners[corners[:, 0] == corners[:, 0].max(), 1]
        assert abs(tallest.mean() - mean) < 0.3
    assert len(draw_measured(session, session.entries[1], PictureSettings(histogram=False)).axes) == 2


def test_regions_and_drawings_have_borders(session: Session) -> None:
    def lines(borders: str) -> int:
        return len(
            draw_measured(session, session.entries[1], PictureSettings(borders=borders)).axes[0].collections
        )

    outlines_and_wound = 3
    assert lines("none") == outlines_and_wound
    assert lines("nerves") == outlines_and_wound + 2 * 5 and lines("zones") == outlines_and_wound + 2 * 5


def test_a_frame_without_numbers_says_why_and_its_name_is_no_formula(session: Session) -> None:
    figure = draw_measured(session, session.entries[2])
    text = written(figure).replace("\\$", "$")
    assert "cost $5 or $6.jpg, 10 min: no numbers (not two soles)" in text and "No foot is in the mask" in text
    figure.canvas.draw()  # type: ignore[attr-defined]
    draw_frame(Frame(np.eye(12), source="a$b$.jpg"), scale=(0, 1)).canvas.draw()  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"t15.jpg was not read"):
        draw_measured(session, session.entries[3])


def test_a_picture_of_one_foot_keeps_that_foots_colour(session: Session) -> None:
    entry = session.entries[1]
    assert entry.soles is not None
    one = replace(
        entry, soles=replace(entry.soles, left=None), estimates={"right": entry.estimates["right"]},
        territories={"right": entry.territories["right"]},
    )  # fmt: skip
    axes = draw_measured(session, one).axes[0]
    assert "left" not in "".join(text.get_text() for text in axes.texts)
    red, green, blue, _ = axes.collections[0].get_edgecolor()[0]
    assert (round(255 * red), round(255 * green), round(255 * blue)) == (0x00, 0x9E, 0x73)


def test_isotherms_lie_where_the_temperature_is() -> None:
    celsius = np.tile(np.linspace(20.0, 30.0, 101), (60, 1))
    figure = draw_frame(Frame(celsius), scale=(20, 30), isotherms=(24.0, 26.5, 99.0))
    paths = figure.axes[0].collections[0].get_paths()
    assert [path.vertices[:, 0].mean().round(1) for path in paths] == [40, 65]


@pytest.mark.parametrize("name", PALETTES)
def test_outlines_stand_out_on_every_palette(name: str) -> None:
    """Each side's colour is far from all of the map's, and from the other side's (Euclid in RGB)."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    palette = PALETTES[name]
    colours = colormaps[palette.colour_map](np.linspace(0, 1, 256))[:, :3]
    sides = [np.array(to_rgb(palette.left)), np.array(to_rgb(palette.right))]
    assert np.linalg.norm(sides[0] - sides[1]) > 0.35
    for side in sides:
        assert np.linalg.norm(colours - side, axis=1).min() > 0.15


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"palette": "iron"}, "no palette 'iron'"),
        ({"borders": "bones"}, "no region set 'bones'"),
        ({"formats": ("png", "bmp")}, "not as bmp"),
        ({"isotherms": (float("nan"),)}, "Isotherms are temperatures"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PictureSettings(**settings)  # type: ignore[arg-type]
