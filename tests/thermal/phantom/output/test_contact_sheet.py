"""Frames side by side."""

import numpy as np

from prismseg.thermal.phantom import draw_subject, tile_grey_images


def test_greys_in_tiles():
    frames = [draw_subject(0, number).frame_at(0, size=(48, 64)) for number in range(5)]
    sheet = tile_grey_images(frames, columns=3, outlines=False)
    assert sheet.shape == (96, 192, 3)
    np.testing.assert_array_equal(sheet[48:, :64, 0], frames[3].grey)
    assert not sheet[48:, 128:].any()
    assert (tile_grey_images(frames, columns=3) != sheet).any()
