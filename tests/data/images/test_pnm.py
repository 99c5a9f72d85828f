"""PGM and PPM: stored numbers, 16 bits and damage."""

import numpy as np
import pytest

from prismseg.base import DataError
from prismseg.data.images.reading import read_image, read_mask

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("most", [2, 255, 256, 65535])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", [True, False])
def test_numbers_are_those_that_are_stored(tmp_path, most, channels, text):
    pixels = RNG.integers(0, most + 1, (3, 4, channels)).astype(np.uint8 if most < 256 else np.uint16)
    kind = (2 if channels == 1 else 3) + 3 * (not text)
    stored = pixels if most < 256 else pixels.astype(">u2")
    body = " ".join(map(str, pixels.ravel())).encode() if text else stored.tobytes()
    path = tmp_path / ("a.pgm" if channels == 1 else "a.ppm")
    path.write_bytes(b"P%d\n# from a microscope\n4 3\n%d\n" % (kind, most) + body)
    found = read_image(path)
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)


def test_labels_of_few_levels_are_not_stretched(tmp_path):
    (tmp_path / "m.pgm").write_bytes(b"P5 3 1 2 " + bytes([0, 1, 2]))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.pgm"), [[0, 1, 2]])


@pytest.mark.parametrize(
    "content, why",
    [
        (b"P5\n4 3\n255\n" + bytes(5), "truncated"), (b"P2\n2 1\n255\n7", "truncated"), (b"P5\n4 x\n", "damaged at its"),
        (b"P5\n4 3\n0\n", "states 0 levels"), (b"P5\n2 1\n3\n\x00\x09", "holds 9 though it states 3"),
        (b"P6\n90000 90000\n255\n", "too large"), (b"P2\n2 1\n255\n7 -1", "truncated"),
    ],
)  # fmt: skip
def test_damage_is_named(tmp_path, content, why):
    (tmp_path / "a.ppm").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.ppm .*{why}"):
        read_image(tmp_path / "a.ppm")
