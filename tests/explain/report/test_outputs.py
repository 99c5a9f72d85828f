"""Names of files."""

import numpy as np

from prismseg.explain.report.examples import Example, Tile
from prismseg.explain.report.outputs import write_figures


def test_names_that_differ_in_a_sign_get_files_of_their_own(tmp_path):
    tile = Tile("head", 0.5, np.zeros((8, 8, 3), np.uint8), "max")
    example = Example("p 1", "typical", tile.picture, {"vena cava": [tile], "vena_cava": [tile]})
    write_figures(tmp_path, {}, [example], ["svg"], what="gradcam, region truth")
    sheets = sorted((tmp_path / "maps").iterdir())
    assert len(sheets) == 2 and "vena cava" in sheets[0].read_text() + sheets[1].read_text()
