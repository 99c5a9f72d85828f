"""Losses, metrics, the training loop, checkpoints, the predictor and the evaluation.

The names load their module on first use, so that wrong settings are refused before torch is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "Prediction": "predictor",
    "PredictionReport": "predict",
    "Predictor": "predictor",
    "Progress": "checkpoint",
    "RunFolder": "run",
    "TrainConfig": "config",
    "Trainer": "loop",
    "TrainingInterrupted": "loop",
    "Trial": "trials",
    "case_metrics": "metrics",
    "configure": "config",
    "create_loss": "losses",
    "evaluate": "evaluation",
    "evaluate_data": "evaluation",
    "evaluate_run": "evaluation",
    "find_model": "run",
    "make_config": "config",
    "predict_files": "predict",
    "read_config": "config",
    "summarize": "metrics",
    "train": "crossval",
}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from prismseg.train.checkpoint import Progress as Progress
    from prismseg.train.config import TrainConfig as TrainConfig
    from prismseg.train.config import configure as configure
    from prismseg.train.config import make_config as make_config
    from prismseg.train.config import read_config as read_config
    from prismseg.train.crossval import train as train
    from prismseg.train.evaluation import evaluate as evaluate
    from prismseg.train.evaluation import evaluate_data as evaluate_data
    from prismseg.train.evaluation import evaluate_run as evaluate_run
    from prismseg.train.folder import RunFolder as RunFolder
    from prismseg.train.loop import Trainer as Trainer
    from prismseg.train.loop import TrainingInterrupted as TrainingInterrupted
    from prismseg.train.losses import create_loss as create_loss
    from prismseg.train.metrics import case_metrics as case_metrics
    from prismseg.train.metrics import summarize as summarize
    from prismseg.train.predict import PredictionReport as PredictionReport
    from prismseg.train.predict import predict_files as predict_files
    from prismseg.train.predictor import Prediction as Prediction
    from prismseg.train.predictor import Predictor as Predictor
    from prismseg.train.run import find_model as find_model
    from prismseg.train.trials import Trial as Trial


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'prismseg.train' has no attribute {name!r}")
    return getattr(importlib.import_module(f"prismseg.train.{_MODULE_OF[name]}"), name)
