"""Training: settings, losses, the loop, checkpoints, runs and their evaluation.

The names load their module on first use, so that wrong settings are refused before torch is loaded.
"""

from prismseg.base.lazy import lazy_exports

_MOVED = {
    "Prediction": "prismseg.inference.Prediction",
    "PredictionReport": "prismseg.inference.PredictionReport",
    "Predictor": "prismseg.inference.Predictor",
    "Trial": "prismseg.evaluation.EvaluatedNetwork",
    "case_metrics": "prismseg.evaluation.case_metrics",
    "evaluate": "prismseg.evaluation.evaluate",
    "find_model": "prismseg.nets.find_model",
    "predict_files": "prismseg.inference.predict_files",
    "summarize": "prismseg.evaluation.summarize",
}

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated=_MOVED)
