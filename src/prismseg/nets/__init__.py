"""FCN, U-Net, ResUNet and the classifier; their storage and export."""

from prismseg.nets.classifier import create_classifier
from prismseg.nets.enhance import enhance_skips
from prismseg.nets.export import export_onnx
from prismseg.nets.factory import Variant, count_parameters, create_model, list_models
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings
from prismseg.nets.storage import load_model

__all__ = [
    "NetworkSettings",
    "SegmentationModel",
    "Variant",
    "count_parameters",
    "create_classifier",
    "create_model",
    "enhance_skips",
    "export_onnx",
    "list_models",
    "load_model",
]
