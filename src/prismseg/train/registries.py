"""What may be chosen by name for training. Importing this module imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prismseg.base.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from prismseg.train.batches import Draw
    from prismseg.train.sources import SourceSettings

Loss = Callable[["Tensor", "Tensor"], "Tensor"]  # logits (B, K, H, W), class indices (B, H, W) -> scalar
MakeOptimizer = Callable[[list[dict[str, Any]], Any], "Optimizer"]  # groups of parameters, the run's `OptimConfig`
Schedule = Callable[[float, float], float]  # share of the steps that are done, peak -> learning rate


@dataclass(frozen=True)
class TrackerKind:
    """A tracker of experiments.

    Attributes
    ----------
    package : str
        Package that must be installed.
    make : callable, optional
        Makes an `accelerate.tracking.GeneralTracker` that writes below a folder; without it accelerate knows the tracker
        by its name.
    """

    package: str
    make: Callable[[Path], Any] | None = None


LOSSES: Registry[Loss] = Registry("loss")
_LOSSES = "prismseg.train.optimization.losses"
LOSSES.register("dice", f"{_LOSSES}:dice_loss", summary="Soft Dice; hardly sees images without the class.")
LOSSES.register("ce", f"{_LOSSES}:cross_entropy", summary="Cross-entropy.")
LOSSES.register("dice_ce", f"{_LOSSES}:dice_cross_entropy", summary="Sum of soft Dice and cross-entropy.")
LOSSES.register("focal", f"{_LOSSES}:focal_loss", summary="Focal loss, gamma = 2.")
LOSSES.register("tversky", f"{_LOSSES}:tversky_loss", summary="Tversky, misses cost more than false alarms.")
LOSSES.register("unified_focal", f"{_LOSSES}:unified_focal_loss", summary="Asymmetric unified focal loss.")
_SHAPES = "prismseg.train.optimization.shape_losses"
LOSSES.register(
    "boundary", f"{_SHAPES}:boundary_loss", summary="Dice, cross-entropy and distance to the true contour."
)
LOSSES.register(
    "cldice", f"{_SHAPES}:cldice_loss", summary="Cross-entropy, Dice and Dice of centrelines; for thin structures."
)

# The loss "auto", by the network's preset: the thesis trains with its own, everything else with one that also sees images
# without a class.
DEFAULT_LOSS = "dice_ce"
PRESET_LOSSES = {"thesis": "dice"}

OPTIMIZERS: Registry[MakeOptimizer] = Registry("optimizer")
_OPTIMIZERS = "prismseg.train.optimization.optimizers"
OPTIMIZERS.register("adamw", f"{_OPTIMIZERS}:make_adamw", summary="Adam with decoupled weight decay.")
OPTIMIZERS.register("adam", f"{_OPTIMIZERS}:make_adam", summary="Adam.")
OPTIMIZERS.register(
    "sgd", f"{_OPTIMIZERS}:make_sgd", summary="Stochastic gradient descent with Nesterov momentum."
)

SAMPLERS: Registry[Callable[[Any, Any, list[str]], Draw]] = Registry(
    "sampling"
)  # of data set, training cases, notes
SAMPLERS.register(
    "shuffled", "prismseg.train.sampling:shuffled", summary="Every training image once before any twice."
)
SAMPLERS.register(
    "balanced", "prismseg.train.sampling:balanced", summary="A class first, then one of the images that show it."
)

SCHEDULES: Registry[Schedule] = Registry("schedule")
_SCHEDULES = "prismseg.train.optimization.schedules"
SCHEDULES.register(
    "onecycle", f"{_SCHEDULES}:onecycle", summary="A short rise, then half a cosine down to almost 0."
)
SCHEDULES.register("cosine", f"{_SCHEDULES}:cosine", summary="Half a cosine from the peak to 0.")
SCHEDULES.register("poly", f"{_SCHEDULES}:poly", summary="From the peak to 0 with the power 0.9.")
SCHEDULES.register("constant", f"{_SCHEDULES}:constant", summary="The peak throughout.")

TRACKERS: Registry[TrackerKind] = Registry("tracker")
TRACKERS.register("tensorboard", TrackerKind("tensorboard"), summary="TensorBoard files below RUN/tracking.")
TRACKERS.register("mlflow", TrackerKind("mlflow"), summary="MLflow, by its environment variables.")
TRACKERS.register(
    "wandb",
    TrackerKind("wandb"),
    summary="Weights & Biases, by its environment variables; WANDB_MODE=offline sends nothing.",
)

SOURCES: Registry[type[SourceSettings]] = Registry("source of batches")
SOURCES.register("cases", "prismseg.train.sources:CasesSettings", summary="The training cases of the data set.")

# Sections of settings that earlier versions wrote, by name: each entry turns the section's value into what stands for it
# today, a dictionary of top-level settings.
FORMER_SETTINGS: Registry[Callable[[Any], dict[str, Any]]] = Registry("former setting")

# Fits a network on training cases and by validation cases, writes into a folder, and says what a reader has to know.
FitUncertainty = Callable[[Any, Any, Any, Any, Path], tuple[str, ...]]  # predictor, data set, cases twice, folder
UNCERTAINTY_FITS: Registry[FitUncertainty] = Registry("fitted uncertainty")
UNCERTAINTY_FITS.register(
    "last-layer",
    "prismseg.train.runs.uncertainty:fit_closed_form",
    summary="Posterior of the last layer in closed form: seconds.",
)
UNCERTAINTY_FITS.register(
    "variational",
    "prismseg.train.runs.uncertainty:fit_frequencies",
    summary="Deviations of the frequencies of the CRFFg layers: some gradient steps, the weights stay.",
)
