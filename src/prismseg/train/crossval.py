"""A whole `prismseg train`: one run, or one run a fold."""

from __future__ import annotations

from pathlib import Path

from prismseg.train.config import TrainConfig
from prismseg.train.loop import Trainer
from prismseg.train.run import RunFolder


def train(
    config: TrainConfig,
    out: Path,
    *,
    all_folds: bool = False,
    resume: bool = False,
    show_progress: bool = True,
) -> list[RunFolder]:
    """Train what `config` describes into folder `out`.

    Parameters
    ----------
    config : TrainConfig
        Settings of the run.
    out : Path
        Folder of the run, made if need be.
    all_folds : bool
        Train every fold of `config.split.folds`, one after another, in ``out/fold-0``, ``out/fold-1`` …
    resume : bool
        Go on where the folder stands: finished folds are left alone, a cut one continues, the rest start.

    Returns
    -------
    list of RunFolder
        One a network.

    Raises
    ------
    PrismsegError
        For data, settings, folders or checkpoints that cannot be used; `TrainingInterrupted` after Ctrl-C.
    """
    if not all_folds or config.split.folds is None:
        Trainer(config, out, resume=resume).fit(show_progress=show_progress)
        return [RunFolder(out)]
    folders = []
    for fold in range(config.split.folds):
        folder = RunFolder(out / f"fold-{fold}")
        split = config.split.model_copy(update={"fold": fold})
        started = resume and folder.config.exists()
        Trainer(config.model_copy(update={"split": split}), folder.root, resume=started).fit(
            show_progress=show_progress
        )
        folders.append(folder)
    return folders
