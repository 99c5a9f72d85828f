"""A whole `prismseg train`: one run, or one run a fold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from prismseg.base import OutputError
from prismseg.data import SegmentationDataset
from prismseg.nets import load_model
from prismseg.train.config import TrainConfig
from prismseg.train.instant.run import InstantRun
from prismseg.train.loop import Trainer
from prismseg.train.runs.data import find_data, open_configured
from prismseg.train.runs.find import find_initial
from prismseg.train.runs.folder import RunFolder, fold_folders
from prismseg.train.runs.network import is_fitted
from prismseg.train.runs.partition import make_partition
from prismseg.train.runs.requirements import check_cases, check_data
from prismseg.train.runs.seen import SeenCases
from prismseg.train.runs.summary import summarize_run


def train(
    config: TrainConfig,
    out: str | Path,
    *,
    resume: bool = False,
    tell: Callable[[str], None] | None = None,
    show_progress: bool = True,
) -> list[RunFolder]:
    """Train what `config` describes into folder `out`.

    With ``split.folds`` and no ``split.fold``, every fold is trained, one after another, in ``out/fold-0``,
    ``out/fold-1`` …

    Parameters
    ----------
    config : TrainConfig
        Settings of the run.
    out : path
        Folder of the run, made if need be.
    resume : bool
        Go on where the folder stands: finished folds are left alone, a cut one continues, the rest start. More steps than
        a finished run had lengthen it.
    tell : callable, optional
        Called with sentences for the user before each run starts: parts, groups, classes, device, and what to know.

    Returns
    -------
    list of RunFolder
        One a network.

    Raises
    ------
    PrismsegError
        For data, settings, folders or checkpoints that cannot be used, before anything is written; `TrainingInterrupted`
        after Ctrl-C.

    Examples
    --------
    >>> from prismseg.train import configure
    >>> import numpy as np
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> (folder / "data").mkdir()
    >>> for patient in range(10):
    ...     image = np.random.default_rng(patient).integers(0, 99, (32, 32), dtype=np.uint8)
    ...     np.save(folder / "data" / f"p{patient}.npy", image)
    ...     np.save(folder / "data" / f"p{patient}_mask.npy", (image > 50).astype(np.uint8))
    >>> settings = {"data": {"path": folder / "data"}, "size": "32", "optim": {"steps": 2, "batch_size": 2}}
    >>> (run,) = train(configure(settings), folder / "run", show_progress=False)
    >>> sorted(path.name for path in run.model.iterdir())
    ['README.md', 'config.json', 'model.safetensors']
    """
    root = Path(out)
    if config.split.folds is None or config.split.fold is not None:
        folder = RunFolder(root)
        if not resume:
            folder.refuse_existing()
        dataset, notes = _open(config, folder, resume=resume, show_progress=show_progress)
        _run_one(config, root, dataset, notes, tell, resume=resume, show_progress=show_progress)
        return [folder]
    configs = [
        config.model_copy(update={"split": config.split.model_copy(update={"fold": fold})})
        for fold in range(config.split.folds)
    ]
    folders = [RunFolder(root / f"fold-{fold}") for fold in range(config.split.folds)]
    if not resume:
        RunFolder(root).refuse_existing()
    dataset, notes = _open(config, folders[0], resume=resume, show_progress=show_progress)
    _check_folds(root, folders, configs, dataset, resume=resume)
    for folder, settings in zip(folders, configs, strict=True):
        going_on = folder.config.exists()
        _run_one(settings, folder.root, dataset, notes, tell, resume=going_on, show_progress=show_progress)
    return folders


def _open(
    config: TrainConfig, folder: RunFolder, *, resume: bool, show_progress: bool
) -> tuple[SegmentationDataset, list[str]]:
    """Open the data, after a look for faults where a run begins."""
    if resume:
        dataset, notes = open_configured(config, find_data(folder, config)), []
    else:
        dataset = open_configured(config)
        notes = check_data(config, dataset, show_progress=show_progress)
    if config.force and dataset.unlabelled:
        labelled = sorted(set(range(len(dataset))) - set(dataset.unlabelled))
        notes.append(f"{len(dataset.unlabelled)} images without a mask are left out.")
        dataset = dataset.subset(labelled)
    return dataset, notes


def _run_one(
    config: TrainConfig,
    root: Path,
    dataset: SegmentationDataset,
    notes: list[str],
    tell: Callable[[str], None] | None,
    *,
    resume: bool,
    show_progress: bool,
) -> None:
    """Train a network, or fit one in closed form."""
    run: Trainer | InstantRun
    if is_fitted(config):
        run = InstantRun(config, root, resume=resume, dataset=dataset)
        tells = tell is not None
    else:
        run = Trainer(config, root, resume=resume, dataset=dataset)
        tells = tell is not None and run.accelerator.is_main_process
    run.notes[:0] = notes
    if tells and tell is not None:
        for line in run.summary() if isinstance(run, InstantRun) else summarize_run(run):
            tell(line)
    run.fit(show_progress=show_progress)


def _check_folds(
    root: Path,
    folders: list[RunFolder],
    configs: list[TrainConfig],
    dataset: SegmentationDataset,
    *,
    resume: bool,
) -> None:
    """Refuse what one of the folds would refuse later, before the first is trained."""
    if RunFolder(root).config.exists():
        raise OutputError(f"{root} holds a single training run, not folds; choose another --out folder.")
    begun = [
        (folder, settings) for folder, settings in zip(folders, configs, strict=True) if folder.config.exists()
    ]
    if resume and not begun:
        folders[0].read_config()
    strange = {folder.root for folder in fold_folders(root)} - {folder.root for folder in folders}
    if strange:
        raise OutputError(
            f"{root} holds the fold {min(strange).name} of a cross-validation with more folds; choose another "
            "--out folder."
        )
    for folder, settings in begun:
        folder.refuse_other(settings, dataset)
    for folder, settings in zip(folders, configs, strict=True):
        if not folder.config.exists():
            initial = find_initial(settings)
            earlier = None if initial is None else SeenCases.from_metadata(load_model(initial).metadata)
            check_cases(settings, dataset, make_partition(settings, dataset, earlier).split)
