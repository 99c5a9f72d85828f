"""Former names of what the package exports."""

import numpy as np
import pytest

import prismseg.thermal.phantom as phantom


@pytest.mark.parametrize(
    ("former", "name"),
    [
        ("draw_wild_camera", "draw_varied_camera"),
        ("table", "format_comparisons"),
        ("tile_greys", "tile_grey_images"),
    ],
)
def test_former_names_warn_and_give_the_new_ones(former, name):
    with pytest.warns(DeprecationWarning, match=name):
        assert getattr(phantom, former) is getattr(phantom, name)
    assert former not in phantom.__all__


def test_former_method_of_a_subject():
    person = phantom.draw_subject(0, 0)
    with pytest.warns(DeprecationWarning, match="frame_at"):
        picture = person.picture(5, size=(32, 48))
    np.testing.assert_array_equal(picture.grey, person.frame_at(5, size=(32, 48)).grey)
