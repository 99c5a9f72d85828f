"""The thesis's first experiment: classifying Fashion-MNIST from few and from many images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from torch import Tensor

from prismseg.base import ConfigError, DataError, atomic_path
from prismseg.data import open_idx
from prismseg.data.images.idx import ImageClassification
from prismseg.study.kinds.fashion.frozen import FrozenFeatures, normalize_contrast
from prismseg.study.kinds.fashion.ridge import fit_ridge
from prismseg.study.kinds.fashion.settings import LEARNING_RATE, WEIGHT_RATE, FashionSettings
from prismseg.study.kinds.fashion.training import (
    CHUNK,
    Rates,
    Trial,
    best_rates,
    network_logits,
    train_network,
    try_rates,
)

MEASURES = ("accuracy", "precision", "recall", "f1")
# Share of the training images at their end that designs are compared on, instead of the test images.
VALIDATION_SHARE = 1 / 6
_LEAST_DEVIATION = 1e-6  # of grey values, so that flat images are not divided by 0

Labels = NDArray[np.int64]


def run_fashion(settings: FashionSettings, folder: Path) -> pd.DataFrame:
    """Train one classifier and measure it; ``predictions.csv`` in `folder` holds its prediction for each image.

    Where learning rates are chosen, ``rates.csv`` says how each pair did on the held-out images.

    Parameters
    ----------
    settings : FashionSettings
        What to train, on what.
    folder : Path
        Where the predictions are written.

    Returns
    -------
    DataFrame
        Columns method, images, seed, measure, value; one row each for accuracy and macro-averaged precision, recall
        and F1, and for the learning rates where they were chosen.

    Raises
    ------
    DataError
        When the data set is absent or damaged.
    ConfigError
        When there are fewer training images than asked for.

    Notes
    -----
    The same settings give the same predictions on the same CPU with the same number of threads. The frozen form was
    chosen on the validation part (seeds 0–2). Contrast normalisation matters most: with it 85.7 % of the validation
    images are right after 1000 training images and 74.9 % after 100, without it 83.3 % and 71.1 % (means over the
    seeds).
    """
    train, labels, test, truth = _split(settings, open_idx(settings.folder))
    classes = int(max(labels.max(), truth.max())) + 1
    chosen = nested_subset(labels, settings.images, settings.seed)
    images, unseen = _normalize(settings, train[chosen], test)
    predict = _predict_frozen if settings.method == "frozen" else _predict_network
    predictions, trials = predict(settings, images, torch.from_numpy(labels[chosen]), unseen, classes)
    with atomic_path(folder / "predictions.csv") as temporary:
        pd.DataFrame({"truth": truth, "prediction": predictions}).to_csv(temporary, index_label="image")
    values = classification_measures(truth, predictions)
    if trials:
        with atomic_path(folder / "rates.csv") as temporary:
            pd.DataFrame(trials).to_csv(temporary, index=False)
        chosen_rates = best_rates(trials)
        values |= {LEARNING_RATE: chosen_rates.lr, WEIGHT_RATE: chosen_rates.weight_rate}
    return pd.DataFrame({"measure": list(values), "value": list(values.values())}).assign(**settings.row_labels())


def nested_subset(labels: Labels, count: int, seed: int) -> NDArray[np.intp]:
    """Choose `count` positions that are balanced over classes; for one seed, the first of any larger choice.

    Classes are drawn from in turn, each in a random order of its own, so that their numbers differ by one at most for
    as none is used up.

    Parameters
    ----------
    labels : (N,) int array
        Class of each image.
    count : int
        How many to choose.
    seed : int
        Of the choice.

    Returns
    -------
    (count,) int array

    Raises
    ------
    ConfigError
        When there are not so many labels.

    Examples
    --------
    >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> chosen = nested_subset(labels, 4, seed=0)
    >>> sorted(labels[chosen].tolist())
    [0, 0, 1, 1]
    >>> bool((nested_subset(labels, 2, seed=0) == chosen[:2]).all())
    True
    """
    if count > len(labels):
        raise ConfigError(f"{count} training images are asked for, but there are only {len(labels)}.")
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(labels))
    turns = random.permutation(int(labels.max()) + 1)
    rank = np.empty(len(labels), np.intp)
    for cls in range(len(turns)):
        own = shuffled[labels[shuffled] == cls]
        rank[own] = np.arange(len(own))
    return np.lexsort((turns[labels], rank))[:count]


def classification_measures(truth: Labels, predictions: Labels) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over the classes that occur.

    A class that is never predicted has a precision of 0.

    Examples
    --------
    >>> measures = classification_measures(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    >>> measures["accuracy"], measures["recall"]
    (0.75, 0.75)
    """
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, predictions, average="macro", zero_division=0
    )
    values = (accuracy_score(truth, predictions), precision, recall, f1)
    return {name: float(value) for name, value in zip(MEASURES, values, strict=True)}


def _split(
    settings: FashionSettings, data: ImageClassification
) -> tuple[NDArray[np.uint8], Labels, NDArray[np.uint8], Labels]:
    """Images and labels to train on, then those to test on."""
    train, labels = data.train_images, data.train_labels.astype(np.int64)
    test, truth = data.test_images, data.test_labels.astype(np.int64)
    if settings.part == "validation":
        first = len(train) - int(len(train) * VALIDATION_SHARE)
        train, labels, test, truth = train[:first], labels[:first], train[first:], labels[first:]
    test, truth = test[: settings.test_images], truth[: settings.test_images]
    if not len(test):
        raise DataError(f"{settings.folder} holds no {settings.part} images.")
    return train, labels, test, truth


def _normalize(
    settings: FashionSettings, train: NDArray[np.uint8], test: NDArray[np.uint8]
) -> tuple[Tensor, Tensor]:
    """Bring training and test images to (N, 1, H, W), by mean and SD of the training images or by local contrast."""
    images, unseen = (torch.from_numpy(part[:, None].astype(np.float32) / 255) for part in (train, test))
    if (settings.inputs or ("contrast" if settings.method == "frozen" else "plain")) == "contrast":
        return normalize_contrast(images), normalize_contrast(unseen)
    mean, deviation = images.mean(), images.std().clamp_min(_LEAST_DEVIATION)
    return (images - mean) / deviation, (unseen - mean) / deviation


def _predict_frozen(
    settings: FashionSettings, images: Tensor, labels: Tensor, unseen: Tensor, classes: int
) -> tuple[Labels, list[Trial]]:
    """Regress one-hot targets on frozen features; the largest output names the class."""
    features = FrozenFeatures(settings.frozen, images, torch.Generator().manual_seed(settings.seed))
    targets = F.one_hot(labels, classes)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in zip(torch.split(images, CHUNK), torch.split(targets, CHUNK), strict=True):
            yield features(x), y
            if settings.mirror:
                yield features(x.flip(-1)), y

    head = fit_ridge(batches(), len(images) * (2 if settings.mirror else 1))
    return _largest(torch.cat([head(features(x)) for x in torch.split(unseen, CHUNK)])), []


def _predict_network(
    settings: FashionSettings, images: Tensor, labels: Tensor, unseen: Tensor, classes: int
) -> tuple[Labels, list[Trial]]:
    """Train a network, at the rates that are best on images kept back where several are to be tried."""
    trials = try_rates(settings, images, labels, classes) if settings.rates else []
    rates = best_rates(trials) if trials else Rates(settings.lr)
    network = train_network(settings, images, labels, classes, rates)
    return _largest(network_logits(network, unseen)), trials


def _largest(outputs: Tensor) -> Labels:
    classes: Labels = outputs.argmax(1).numpy()
    return classes
