"""Self-contained HTML pages: one file, pictures inside, readable without a network."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from prismseg.base.files import write_text

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

# Okabe & Ito 2008: eight colours that colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")


def figure_uri(figure: Figure, *, dpi: int = 130) -> str:
    """Draw `figure` as a PNG and return it as a ``data:`` address for an HTML page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    return _uri(buffer.getvalue())


def image_uri(pixels: NDArray[np.uint8]) -> str:
    """Return an (H, W) or (H, W, 3) picture as a ``data:`` address for an HTML page."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return _uri(buffer.getvalue())


def photo_uri(pixels: NDArray[np.uint8]) -> str:
    """Return an (H, W, 3) picture as `image_uri` does, compressed as a photograph: for pages with many."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="jpeg", quality=88, subsampling=0)
    return _uri(buffer.getvalue(), "jpeg")


def _uri(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode("ascii")


def write_page(path: Path, package: str, template: str, **content: Any) -> Path:
    """Fill `template` of `package` (a page that extends ``page.html``) and write it to `path`, atomically.

    Parameters
    ----------
    path : Path
        The HTML file.
    package : str
        Package whose ``templates`` folder holds the template, such as ``"prismseg.explain.report"``.
    template : str
        Name of the template file.
    **content
        Values the template names; one that is missing is an error, never an empty place on the page.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("prismseg.base")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return write_text(path, environment.get_template(template).render(**content))
