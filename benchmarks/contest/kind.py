"""The contest as a kind of study: so its cells resume, spread over machines and are repeated when they are stale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contest.methods import METHODS
from contest.settings import ContestSettings, list_code, list_inputs
from prismseg.study import KINDS, StudyKind

if TYPE_CHECKING:
    import pandas as pd

KIND = "contest"


def run_cell(settings: ContestSettings, folder: Path) -> pd.DataFrame:
    """Train and test one method, see `contest.cell.measure_cell`."""
    from contest.cell import measure_cell

    return measure_cell(settings, METHODS[settings.method], folder, folder.parents[2] / "shared")


CONTEST = StudyKind(
    ContestSettings,
    run_cell,
    draw=lambda rows: {},
    lower_is_better=("hd95",),
    input_files=list_inputs,
    unused_packages=lambda settings: ("monitor", "study", "thermal"),
    code_modules=list_code,
    data_setting="data.path",
)


def register() -> None:
    """Make the kind known to studies, once."""
    if KIND not in KINDS:
        KINDS.register(KIND, "contest.kind:CONTEST", summary="Methods against each other from few images.")
