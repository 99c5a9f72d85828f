import matplotlib
import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError
from prismseg.thermal import Frame, draw_frame, write_picture
from prismseg.thermal.output.palettes import DEFAULT_PALETTE
from prismseg.thermal.output.picture import whole_degree_scale


def bar_of(figure):
    """Axes of the picture and of its one colour bar."""
    picture, bar = figure.axes
    return picture, bar


def test_one_bar_in_celsius_on_the_stated_scale(scene):
    picture, bar = bar_of(draw_frame(Frame(scene), scale=(18, 36)))
    assert bar.get_ylabel() == "°C"
    assert (bar.get_yticks()[0], bar.get_yticks()[-1]) == (18, 36)
    assert picture.images[0].get_clim() == (18, 36)


def test_the_scale_does_not_follow_the_frame(scene):
    warm, cold = (draw_frame(Frame(scene + shift), scale=(18, 36)) for shift in (2, 0))
    assert warm.axes[0].images[0].get_clim() == cold.axes[0].images[0].get_clim()


def test_what_lies_beyond_the_scale_is_counted():
    celsius = np.full((10, 10), 30.0)
    celsius[0] = 40
    celsius[1, :5] = 10
    celsius[2, 0] = np.nan
    text = draw_frame(Frame(celsius), scale=(20, 35)).axes[0].texts[0].get_text()
    assert "10.1% above the scale" in text and "5.1% below the scale" in text and "grey: no value" in text
    assert text.startswith("10.0 … 30.0 … 40.0 °C")


def test_lightness_of_the_colours_rises_evenly():
    """CIE L* along the map (after linearising sRGB): always rising, and no step far from the mean."""
    rgb = matplotlib.colormaps[DEFAULT_PALETTE](np.linspace(0, 1, 64))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    steps = np.diff(lightness)
    assert (steps > 0).all() and steps.max() < 2.2 * steps.mean()


def test_colours_of_known_temperatures(tmp_path):
    """Half of the frame at the lower end of the scale, half at the upper: the map's first and last colour."""
    celsius = np.full((60, 60), 20.0)
    celsius[:, 30:] = 30
    path = write_picture(tmp_path / "a.png", Frame(celsius, source="x"), scale=(20, 30))
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    common = {tuple(colours[at].tolist()) for at in np.argsort(counts)[-3:]}
    ends = {
        tuple(int(v) for v in matplotlib.colormaps[DEFAULT_PALETTE](end, bytes=True)[:3]) for end in (0.0, 1.0)
    }
    assert common == ends | {(255, 255, 255)}


def test_outlines_have_a_legend_and_their_masks_border(scene):
    mask = np.zeros(scene.shape, bool)
    mask[10:20, 30:50] = True
    axes = draw_frame(Frame(scene), scale=(18, 36), outlines={"left sole": mask}).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["left sole"]
    points = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    assert points.min(axis=0).tolist() == [29.5, 9.5] and points.max(axis=0).tolist() == [49.5, 19.5]


@pytest.mark.parametrize("scale", [(36, 18), (20, 20), (float("nan"), 30)])
def test_an_empty_scale_is_refused(scene, scale):
    with pytest.raises(ConfigError, match="lower to a higher"):
        draw_frame(Frame(scene), scale=scale)


def test_a_mask_of_another_size_is_refused(scene):
    with pytest.raises(ConfigError, match=r"'sole'.*\(5, 5\)"):
        draw_frame(Frame(scene), scale=(18, 36), outlines={"sole": np.ones((5, 5), bool)})


def test_whole_degrees_hold_every_span():
    assert whole_degree_scale([(20.4, 29.9), (18.1, 25.0)]) == (18, 30)
    assert whole_degree_scale([(-5.5, -5.2)]) == (-6, -5)
    assert whole_degree_scale([(20.0, 20.0)]) == (20, 21)
