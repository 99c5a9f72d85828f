"""What a user is told before a run starts: which cases, which classes, where it computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS
from prismseg.train.config import TrainConfig

if TYPE_CHECKING:
    from prismseg.train.loop import Trainer


_FOLDS = 5


def summarize_run(trainer: Trainer) -> list[str]:
    """Sentences about a run that is about to start."""
    config, dataset, split = trainer.config, trainer.dataset, trainer.split
    parts = {"training": split.train, "validation": split.validation, "test": split.test}
    sizes = ", ".join(f"{name} {_size(part, dataset.groups)}" for name, part in parts.items())
    made_up = "" if dataset.names_stated else " (names made up)"
    lines = [
        f"Data: {dataset.root}, {len(dataset)} images of {len(set(dataset.groups))} groups "
        f"(--group {config.data.group}); classes {', '.join(dataset.classes)}{made_up}; "
        f"{dataset.channels} channel{'s' * (dataset.channels != 1)}.",
        f"Split: {sizes}.",
        f"Network: {config.model.arch}{_encoder(config)}, skip {config.model.skip}, "
        f"input {config.size[0]} x {config.size[1]}{_crops(config)}; "
        f"{config.optim.steps} steps on {trainer.device}.",
    ]
    lines += [config.source.describe()] if config.source.describe() else []
    lines += trainer.notes
    if config.source.uses_cases:
        learnt = dataset.find_classes(split.train)
        missing = [name for index, name in enumerate(dataset.classes) if index not in learnt]
        if missing:
            lines.append(f"No training mask holds {' or '.join(missing)}, so the network cannot learn it.")
    if not split.validation:
        lines.append("There is no validation part: no step is chosen as the best, the last weights are kept.")
        if config.patience is not None:
            lines.append(f"Without a validation part, --patience {config.patience} has no effect.")
    tested = len({dataset.groups[case] for case in split.test})
    if not split.test:
        lines.append("There is no test part: evaluate this network on other data.")
    elif tested < FEWEST_GROUPS and config.split.folds is None:
        folds = min(_FOLDS, len(set(dataset.groups)))
        own = 0 if config.split.predefined is False else len(dataset.predefined_splits)
        folds = own if own > 1 else folds
        ignoring = "--ignore-split " if own == 1 else ""
        lines.append(
            f"The test part has {tested} group{'s' * (tested != 1)}, too few for an interval (from {FEWEST_GROUPS} on)"
            + (f"; {ignoring}--folds {folds} tests every case." if folds > 2 else ".")
        )
    return lines


def _crops(config: TrainConfig) -> str:
    return "" if config.crop is None else f", crops of {config.crop[0]} x {config.crop[1]}"


def _encoder(config: TrainConfig) -> str:
    """Name an encoder that was chosen, what its weights are, and a decoder and bottleneck that were."""
    model = config.model
    decoder = "" if model.decoder is None else f", decoder {model.decoder}"
    decoder += "" if model.bottleneck is None else f", bottleneck {model.bottleneck}"
    if model.encoder is None and model.weights is None:
        return decoder
    weights = "random weights" if model.weights is None else f"weights {model.weights}"
    origin = "" if config.initial is not None and not model.refines else f" ({weights})"
    return f", encoder {model.encoder or 'its own'}{origin}{decoder}"


def _size(part: Sequence[int], groups: Sequence[str]) -> str:
    count = len({groups[case] for case in part})
    return f"{len(part)} images ({count} group{'s' * (count != 1)})" if part else "none"
