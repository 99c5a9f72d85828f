"""Settings of a cell of the contest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from contest.methods import METHODS
from contest.sets import FOLDS
from prismseg.base.registry.choices import Choice
from prismseg.base.settings import Settings
from prismseg.data.layouts import list_cases
from prismseg.data.options import DataOptions

_TABLES = (".csv", ".json", ".txt", ".yaml", ".yml")  # of cases, groups, labels


class ContestData(DataOptions):
    """Where the images are, and how they are read."""

    path: str


class ContestSettings(Settings):
    """A method, its terms, and the images it learns from.

    Attributes
    ----------
    data : ContestData
    size : int
        Side of the square in which every method gets its images.
    method : str
    choice : str
        One of the method's choices; empty: the one that competes.
    images : int, optional
        Training images; None: all of the fold.
    fold, folds : int
    seconds : float, optional
        What the training may cost; None: the method's own number of steps.
    stretch : float
        Factor on that number.
    device : str
    seed : int
    """

    data: ContestData
    size: int = Field(default=160, ge=32)
    method: Annotated[str, Choice(METHODS)]
    choice: str = ""
    images: int | None = Field(default=None, ge=1)
    fold: int = Field(default=0, ge=0)
    folds: int = Field(default=FOLDS, ge=2)
    seconds: float | None = Field(default=None, gt=0)
    stretch: float = Field(default=1.0, gt=0)
    device: str = "cpu"
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _possible(self) -> ContestSettings:
        choices = METHODS[self.method].choices
        if self.choice and self.choice not in choices:
            raise ValueError(f"{self.method} has no choice {self.choice!r}, only {', '.join(choices)}")
        if self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist; {self.folds} folds are numbered from 0")
        return self


def list_inputs(settings: ContestSettings) -> list[Path]:
    """List the images, masks and tables that a cell reads."""
    root = Path(settings.data.path)
    listing = list_cases(root, layout=settings.data.layout, mask_suffix=settings.data.mask_suffix)
    files = [path for case in listing.cases for path in (*case.images, *([case.mask] if case.mask else []))]
    beside = root.iterdir() if root.is_dir() else [root]
    files += [path for path in beside if path.suffix.lower() in _TABLES and path.is_file()]
    return sorted(set(files))


def list_code(settings: ContestSettings) -> tuple[str, ...]:
    """List the modules that a cell's numbers depend on: those of its own method, not of the others."""
    return ("contest.cell", METHODS[settings.method].fit.__module__)
