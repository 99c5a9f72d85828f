"""Demonstration of the main steps on simulated sessions: train, explain, evaluate, report."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import progress_bar
from prismseg.explain.run import explain_run
from prismseg.thermal.phantom import DEFAULT_MINUTES, write_sessions
from prismseg.train.config import make_config
from prismseg.train.crossval import train
from prismseg.train.runs.evaluation import evaluate_run

SESSIONS = 30
STEPS = 500


def run_demo(out: str | Path, *, seed: int = 0, show_progress: bool = True) -> Path:
    """Simulate a small thermal-feet study in ``out/feet``, train a CRFFg U-Net on it, explain and evaluate it.

    Parameters
    ----------
    out : str or Path
        Folder to make.
    seed : int
        Of sessions, splits and weights.
    show_progress : bool
        Whether progress bars are drawn.

    Returns
    -------
    Path
        The evaluation's HTML report, which links to the page of the explanation.

    Raises
    ------
    OutputError
        When `out` holds something already or cannot be written.
    """
    out = Path(out)
    total = SESSIONS * len(DEFAULT_MINUTES)
    with progress_bar("simulating", total, visible=show_progress) as advance:
        study = write_sessions(
            out / "feet", sessions=SESSIONS, seed=seed, progress=lambda done, _: advance(done, "")
        )
    config = make_config(
        {
            "data": {"path": str(study.resolve())},
            "split": {"fractions": (0.6, 0.2, 0.2), "seed": seed},
            "model": {"arch": "unet", "skip": "crffg", "multiplier": 1},
            "optim": {"steps": STEPS, "batch_size": 8},
            "size": (120, 160),
            "evaluate_every": 50,
            "compile": "no",
            "seed": seed,
        }
    )
    train(config, out / "run", show_progress=show_progress)
    explain_run(out / "run", show_progress=show_progress)
    return evaluate_run(out / "run", show_progress=show_progress)
