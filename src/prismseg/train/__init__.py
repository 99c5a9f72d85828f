"""Losses, metrics, the training loop, checkpoints, the predictor and the evaluation.

The names load their module on first use, so that wrong settings are refused before torch is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "Prediction": "prismseg.inference.predictor",
    "PredictionReport": "prismseg.inference.files",
    "Predictor": "prismseg.inference.predictor",
    "Progress": "prismseg.train.checkpoint",
    "RunFolder": "prismseg.train.runs.folder",
    "TrainConfig": "prismseg.train.config",
    "Trainer": "prismseg.train.loop",
    "TrainingInterrupted": "prismseg.train.loop",
    "Trial": "prismseg.train.runs.trials",
    "case_metrics": "prismseg.evaluation.metrics",
    "configure": "prismseg.train.config",
    "create_loss": "prismseg.train.losses",
    "evaluate": "prismseg.train.runs.evaluation",
    "evaluate_data": "prismseg.train.runs.evaluation",
    "evaluate_run": "prismseg.train.runs.evaluation",
    "find_model": "prismseg.train.runs.run",
    "make_config": "prismseg.train.config",
    "predict_files": "prismseg.inference.files",
    "read_config": "prismseg.train.config",
    "summarize": "prismseg.evaluation.metrics",
    "train": "prismseg.train.crossval",
}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from prismseg.evaluation.metrics import case_metrics as case_metrics
    from prismseg.evaluation.metrics import summarize as summarize
    from prismseg.inference.files import PredictionReport as PredictionReport
    from prismseg.inference.files import predict_files as predict_files
    from prismseg.inference.predictor import Prediction as Prediction
    from prismseg.inference.predictor import Predictor as Predictor
    from prismseg.train.checkpoint import Progress as Progress
    from prismseg.train.config import TrainConfig as TrainConfig
    from prismseg.train.config import configure as configure
    from prismseg.train.config import make_config as make_config
    from prismseg.train.config import read_config as read_config
    from prismseg.train.crossval import train as train
    from prismseg.train.loop import Trainer as Trainer
    from prismseg.train.loop import TrainingInterrupted as TrainingInterrupted
    from prismseg.train.losses import create_loss as create_loss
    from prismseg.train.runs.evaluation import evaluate as evaluate
    from prismseg.train.runs.evaluation import evaluate_data as evaluate_data
    from prismseg.train.runs.evaluation import evaluate_run as evaluate_run
    from prismseg.train.runs.folder import RunFolder as RunFolder
    from prismseg.train.runs.run import find_model as find_model
    from prismseg.train.runs.trials import Trial as Trial


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'prismseg.train' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)
