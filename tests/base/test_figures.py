from __future__ import annotations

from pathlib import Path

import pytest

from prismseg.base import ConfigError
from prismseg.base.figures import FORMATS, check_formats, save_figure


def test_a_figure_gives_the_same_bytes_whenever_it_is_written(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    for number in range(2):
        figure = Figure(figsize=(1, 1))
        figure.add_subplot().plot([0, 1])
        save_figure(figure, tmp_path / f"{number}.v2", FORMATS, dpi=50, tight=True)
    for kind in FORMATS:
        one, other = ((tmp_path / f"{number}.v2.{kind}").read_bytes() for number in range(2))
        assert one == other


@pytest.mark.parametrize(("formats", "words"), [((), "not as nothing"), (("png", "gif"), "not as gif")])
def test_formats_that_cannot_be_written(formats: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_formats(formats)
