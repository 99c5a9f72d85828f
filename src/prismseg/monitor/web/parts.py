"""The list of software that the monitor is made of, from what is installed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

EXTRAS = ("monitor", "camera", "dicom", "postgresql", "sso")
PURPOSES = {
    "accelerate": "devices and training state",
    "alembic": "migrations of the database",
    "anyio": "threads of live pages",
    "argon2-cffi": "hashes of passwords",
    "babel": "languages, dates",
    "fastapi": "pages and JSON API",
    "filelock": "one process at a time",
    "highdicom": "DICOM segmentations",
    "huggingface-hub": "loading of networks",
    "jinja2": "templates of pages",
    "joblib": "several processes",
    "joserfc": "tokens of an OpenID Connect provider",
    "kornia": "augmentation in training",
    "ldap3": "accounts of a directory",
    "matplotlib": "figures, scale of colours",
    "numpy": "arrays",
    "opencv-python-headless": "USB cameras",
    "openpyxl": "Excel workbooks",
    "packaging": "reading of requirements for this list",
    "pandas": "tables",
    "pillow": "pictures",
    "psycopg": "PostgreSQL",
    "pydantic": "checks of what is entered",
    "pydicom": "DICOM files",
    "pynetdicom": "DICOM over the network",
    "python-multipart": "uploads",
    "pyyaml": "configuration files",
    "reportlab": "PDF",
    "rich": "output of the command line",
    "safetensors": "weights of networks",
    "scikit-image": "outlines",
    "scikit-learn": "splits and statistics in training",
    "scipy": "morphology, registration",
    "sqlalchemy": "database",
    "threadpoolctl": "threads of numerical libraries",
    "tifffile": "stored frames",
    "torch": "network",
    "typer": "command line",
    "uvicorn": "web server",
    "websockets": "live picture",
}
VENDORED = (("uPlot", "1.6.32", "MIT", "curves on the page (in `web/static/vendor`)"),)


@dataclass(frozen=True)
class Part:
    """One installed package."""

    name: str
    version: str
    licence: str
    purpose: str


def parts(root: str = "prismseg", extras: Iterable[str] = EXTRAS) -> list[Part]:
    """List what is installed of a package's requirements, and of theirs.

    Parameters
    ----------
    root : str
        The package.
    extras : iterable of str
        Its extras that count; those that are not installed are left out.
    """
    found: dict[str, Part] = {}
    waiting = deque((requirement, "") for requirement in _requirements(distribution(root), tuple(extras)))
    while waiting:
        requirement, parent = waiting.popleft()
        name = _normal(requirement.name)
        if name in found:
            continue
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = Part(
            installed.metadata["Name"],
            installed.version,
            _licence(installed),
            PURPOSES.get(name, "") if not parent else f"needed by {parent}",
        )
        waiting.extend((each, name) for each in _requirements(installed, tuple(requirement.extras)))
    return sorted(found.values(), key=lambda part: part.name.lower())


def as_markdown(listed: Iterable[Part]) -> str:
    """Write the list as a page."""
    lines = [
        "# Parts of the monitor",
        "",
        "Made by `prismseg monitor parts` from what is installed with `constraints.txt` and the extras "
        f"{', '.join(EXTRAS)}.",
        "",
        "| name | version | licence | purpose |",
        "|---|---|---|---|",
        *(f"| {part.name} | {part.version} | {part.licence} | {part.purpose} |" for part in listed),
        *(f"| {' | '.join(row)} |" for row in VENDORED),
    ]
    return "\n".join(lines) + "\n"


def _requirements(installed: Distribution, extras: tuple[str, ...]) -> list[Requirement]:
    requirements = [Requirement(text) for text in installed.requires or []]
    return [
        each
        for each in requirements
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(installed: Distribution) -> str:
    about = installed.metadata
    stated = ", ".join(about.get_all("License-Expression") or [])
    classified = [
        text.rsplit(" :: ", 1)[-1] for text in about.get_all("Classifier") or [] if text.startswith("License ::")
    ]
    text = stated or ", ".join(classified) or " ".join(about.get_all("License") or []).strip()
    return text.splitlines()[0].replace("|", "/") if text else "not stated"
