"""What a run needs of its data and its batches, found out before anything is written."""

from __future__ import annotations

from math import ceil

from torch.nn import BatchNorm2d

from prismseg.base import ConfigError, DataError
from prismseg.data import Finding, SegmentationDataset, Split
from prismseg.data.checks.check import check_with
from prismseg.data.checks.findings import by_kind
from prismseg.nets import SegmentationModel
from prismseg.train.config import TrainConfig
from prismseg.train.runs.network import is_fitted, make_preprocess

_SHAPES = ((1, 1), (4, 1), (1, 4))  # with fit "area" an image is at most four times longer than wide


# A training run needs no two groups unless it parts them, and then it says so itself.
_NO_MATTER = ("one group",)
_checked: dict[str, list[Finding]] = {}


def check_data(config: TrainConfig, dataset: SegmentationDataset, *, show_progress: bool = False) -> list[str]:
    """Refuse data in which `prismseg check` finds errors, unless the settings say ``force``.

    Returns
    -------
    list of str
        What was found and not heeded.

    Raises
    ------
    DataError
        Naming each kind of error with a file.
    """
    # The runs of a study share their data; what was looked at is not looked at again.
    key = f"{config.data.model_dump_json()} {config.split.predefined} {dataset.root} {hash(dataset.stamps())}"
    if key not in _checked:
        _checked[key] = check_with(
            dataset.root,
            config.data,
            given_splits=config.split.predefined is not False,
            show_progress=show_progress,
        ).findings
    # A fit leaves images without a mask out: they are there to be labelled next.
    no_matter = (*_NO_MATTER, "missing mask") if is_fitted(config) else _NO_MATTER
    kinds = [
        alike
        for alike in by_kind(_checked[key])
        if alike[0].severity == "error" and alike[0].kind not in no_matter
    ]
    if not kinds:
        return []
    told = " ".join(
        f"({number}) {alike[0].kind}, {len(alike)} times: {alike[0].file}: "
        + alike[0].message.removeprefix(f"{alike[0].file}: ")
        for number, alike in enumerate(kinds, start=1)
    )
    if not config.force:
        raise DataError(
            f"{dataset.root} has faults that would make the numbers of this run wrong. {told} Mend them (prismseg check "
            "tells all), or add --force to train on the data as they are."
        )
    return [f"Trained all the same, as asked (--force): {told}"]


def check_cases(config: TrainConfig, dataset: SegmentationDataset, split: Split) -> None:
    """Refuse parts that a network cannot learn from or be measured on.

    Raises
    ------
    DataError
        When there is no training case, a case has no mask, or whole images that keep their shape do not fit one batch.
    """
    if not split.train and config.source.uses_cases:
        raise DataError(
            f"The training part of {dataset.root} is empty, so there is nothing to learn from. Choose another split."
        )
    unlabelled = sorted(set(dataset.unlabelled) & {*split.train, *split.validation, *split.test})
    if unlabelled:
        raise DataError(
            f"{len(unlabelled)} images of {dataset.root} have no mask (the first is {dataset.ids[unlabelled[0]]}), so a "
            "network cannot learn from them or be measured on them. Add the masks or leave the images out."
        )
    if config.soft_labels:
        _check_annotators(config, dataset, split)
    preprocess = make_preprocess(config, dataset)
    if preprocess.keeps_shape and config.crop is None and config.optim.batch_size > 1:
        learnt = split.train if config.source.uses_cases else ()
        shapes = {preprocess.size_for(*dataset.sizes[case]) for case in learnt}
        if len(shapes) > 1:
            two = " and ".join(f"{height} x {width}" for height, width in sorted(shapes)[:2])
            raise DataError(
                f"The images of {dataset.root} have different shapes, and with fit {config.fit!r} no batch can hold "
                f"both {two}. Train with --fit stretch, on crops (--crop), or with --batch-size 1."
            )


def _check_annotators(config: TrainConfig, dataset: SegmentationDataset, split: Split) -> None:
    """Refuse soft labels where there are none: no training case that two people drew, or one person chosen."""
    if config.data.annotators in dataset.annotators:
        raise ConfigError(
            f"Soft labels are those of all annotators, and --annotators names {config.data.annotators}; leave one out."
        )
    if not config.source.uses_cases or not any(len(dataset.annotations(case)) > 1 for case in split.train):
        raise ConfigError(
            f"No training case of {dataset.root} has masks of two annotators, so there are no soft labels; leave out "
            "--soft-labels."
        )


def check_batches(
    config: TrainConfig, network: SegmentationModel, processes: int, *, keeps_statistics: bool = False
) -> None:
    """Refuse batches that cannot be cut as asked, or whose coarsest layer leaves nothing to normalise over.

    With `keeps_statistics` the batch normalisation of the encoder takes no means over the batch.

    Raises
    ------
    ConfigError
        Saying what would do.
    """
    if network.closed_form:
        raise ConfigError(
            f"The architecture {config.model.arch!r} is fitted in closed form, and there is nothing in it to train by "
            "steps; use prismseg instant."
        )
    optim = config.optim
    parts = processes * optim.accumulate
    if optim.batch_size % parts:
        raise ConfigError(
            f"A batch of {optim.batch_size} cannot be dealt to {processes} processes in {optim.accumulate} equal parts "
            f"each; choose a multiple of {parts}."
        )
    area = config.size[0] * config.size[1]
    sizes = [config.size if config.crop is None else config.crop]
    if config.fit == "native" and config.crop is None:
        sizes = []  # those of the images, which are large
    if config.fit == "area" and config.crop is None:
        sizes += [(round((area * h / w) ** 0.5), round((area * w / h) ** 0.5)) for h, w in _SHAPES]
    places = min((ceil(high / network.stride) * ceil(wide / network.stride) for high, wide in sizes), default=2)
    images = optim.batch_size // parts
    norm = config.model.norm
    by_batch = norm == "batch" or (
        not keeps_statistics and any(isinstance(module, BatchNorm2d) for module in network.modules())
    )
    if places == 1 and (norm == "instance" or (by_batch and images == 1)):
        size = "{} x {}".format(*(config.crop or config.size))
        option = "--size" if config.crop is None else "--crop"
        kind, remedy = norm, "--norm group"
        if norm != "instance":
            kind = "batch"
            remedy = f"{'--norm group' if norm == 'batch' else '--encoder-norm frozen'}, or more images a batch"
        raise ConfigError(
            f"At an input of {size} the coarsest layer is one pixel, and {kind} normalisation has nothing to take a "
            f"mean over{'' if norm == 'instance' else ' with one image at a time'}. Choose a larger {option} (from "
            f"{network.stride + 1} on), or {remedy}."
        )
