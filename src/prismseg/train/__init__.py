"""Losses, metrics, the training loop, checkpoints, the predictor and the evaluation."""

from prismseg.train.checkpoint import Progress
from prismseg.train.config import TrainConfig, configure, make_config, read_config
from prismseg.train.crossval import train
from prismseg.train.demo import run_demo
from prismseg.train.evaluate import Trial, evaluate, evaluate_data, evaluate_run
from prismseg.train.loop import Trainer, TrainingInterrupted
from prismseg.train.losses import create_loss
from prismseg.train.metrics import case_metrics, summarize
from prismseg.train.predict import predict_files
from prismseg.train.predictor import Prediction, Predictor
from prismseg.train.run import RunFolder, find_model
from prismseg.train.statistics import bootstrap_ci, paired_comparison

__all__ = [
    "Prediction",
    "Predictor",
    "Progress",
    "RunFolder",
    "TrainConfig",
    "Trainer",
    "TrainingInterrupted",
    "Trial",
    "bootstrap_ci",
    "case_metrics",
    "configure",
    "create_loss",
    "evaluate",
    "evaluate_data",
    "evaluate_run",
    "find_model",
    "make_config",
    "paired_comparison",
    "predict_files",
    "read_config",
    "run_demo",
    "summarize",
    "train",
]
