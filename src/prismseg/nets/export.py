"""Export to ONNX, checked against PyTorch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prismseg.base import ModelError, atomic_path
from prismseg.base.version import VERSION
from prismseg.nets.segmentation import SegmentationModel

# Largest difference of logits that is allowed, in units of the largest one. Sums in another order make 1e-6 to 4e-6 in
# float32, measured on untrained networks of the three architectures.
TOLERANCE = 1e-4
OPSET = 18  # what torch's exporter writes without conversion


def export_onnx(model: SegmentationModel, path: str | Path) -> float:
    """Write `model` as ONNX with free batch size, height and width, and compare it with PyTorch.

    Input ``images`` (B, C, H, W) float32, output ``logits`` (B, K, H, W); B, H and W are free. The file's metadata say
    how to prepare images (``classes``, ``preprocess`` … as JSON, see `onnx_metadata`).

    Parameters
    ----------
    model : SegmentationModel
        It is moved to the CPU and to evaluation mode.
    path : str or path
        File to write.

    Returns
    -------
    float
        Largest difference of logits on random images of two sizes, in units of the largest logit (or of 1).

    Raises
    ------
    ModelError
        When the extra [onnx] is not installed, or the difference exceeds 1e-4; then no file is left.
    OutputError
        When the file cannot be written.
    """
    try:
        import onnx  # noqa: F401  (needed by the exporter, whose own message is unclear)
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"Exporting to ONNX needs packages that are not installed ({error}); "
            "install them with: pip install 'prismseg[onnx]'."
        ) from error
    network = model.eval().cpu()
    channels = network.settings.in_channels
    dims = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    with atomic_path(path) as temporary:
        example = torch.randn(2, channels, *network.traced_size)
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=(dims,),
            opset_version=OPSET,
            verbose=False,
        )
        assert program is not None
        program.model.metadata_props.update(onnx_metadata(model))
        program.save(temporary)
        session = onnxruntime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
        difference = 0.0
        for size in ((64, 64), (50, 83)):
            images = torch.randn(3, channels, *size, generator=torch.Generator().manual_seed(0))
            with torch.inference_mode():
                expected = network(images).numpy()
            (logits,) = session.run(["logits"], {"images": images.numpy()})
            largest = max(1.0, np.abs(expected).max())
            difference = max(difference, float(np.abs(logits - expected).max() / largest))
        if not difference <= TOLERANCE:
            raise ModelError(
                f"The exported network differs from PyTorch by {difference:.1e} (allowed: {TOLERANCE:g}), so {path} "
                "was not written."
            )
    return difference


def onnx_metadata(model: SegmentationModel) -> dict[str, str]:
    """List what a runtime needs to know beside the network, as it stands in the metadata of an ONNX file.

    Returns
    -------
    dict
        JSON texts. ``model``: arguments of `create_model`; and where the network's metadata say so ``classes``: names,
        background first (one logit: background and the class); ``preprocess``: size, channels, intensity, fit
        (`prismseg.data.Preprocess`); ``postprocess``; ``mirror``: whether it was trained on mirrored images too;
        ``multilabel``: whether classes overlap (K - 1 logits, a sigmoid each).
    """
    facts: dict[str, Any] = {
        key: model.metadata[key]
        for key in ("classes", "multilabel", "preprocess", "postprocess", "mirror")
        if key in model.metadata
    }
    texts = {key: json.dumps(value) for key, value in {"model": model.config, **facts}.items()}
    return {"library": f"prismseg {VERSION}", "use": "Research use only: observations, not diagnoses.", **texts}
