"""Networks on disk: safetensors, a JSON configuration and a model card. Nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load, save

from prismseg.base import ConfigError, ModelError, read_json, write_bytes, write_json, write_text
from prismseg.base.version import VERSION
from prismseg.nets.factory import create_model
from prismseg.nets.segmentation import SegmentationModel

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
SHIPPED = ("thermal-feet",)
_SHIPPED_ROOT = Path(__file__).parents[1] / "weights"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def save_model(model: SegmentationModel, folder: Path) -> None:
    """Write `model` into `folder`; see `SegmentationModel.save_pretrained`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_bytes(folder / WEIGHTS, save(tensors, {"format": "pt"}))
    write_json(
        folder / CONFIG,
        {
            "library": "prismseg",
            "version": VERSION,
            "model": model.config,
            "metadata": model.metadata,
        },
    )
    write_text(folder / CARD, _card(model))


def load_model(source: str | Path, *, revision: str | None = None) -> SegmentationModel:
    """Load a network that `save_pretrained` wrote.

    Parameters
    ----------
    source : path or str
        Name of a network that is shipped (`SHIPPED`), folder, or the name of a repository on the Hugging Face hub
        (``owner/name``).
    revision : str, optional
        Branch, tag or commit of that repository.

    Returns
    -------
    SegmentationModel
        In evaluation mode.

    Raises
    ------
    ModelError
        When there is no such network, a file is missing or damaged, only pickled weights are offered, or
        the weights belong to another architecture.
    """
    folder = find_weights(source, revision)
    config = _read_config(folder)
    try:
        model = create_model(**config["model"], seed=0)
    except (TypeError, ConfigError) as error:
        raise ModelError(
            f"{folder / CONFIG} describes no network of this version of prismseg: {error} "
            "It may come from a newer version; update prismseg."
        ) from error
    try:
        model.load_state_dict(load((folder / WEIGHTS).read_bytes()))
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The weights {folder / WEIGHTS} are damaged ({error}); copy them anew.") from error
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise ModelError(
            f"The weights {folder / WEIGHTS} belong to another architecture than {folder / CONFIG} names: {detail}"
        ) from error
    model.metadata = config.get("metadata", {})
    return model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def find_weights(source: str | Path, revision: str | None = None) -> Path:
    """Folder of the network that `source` names, see `load_model`.

    A shipped name always means the shipped network, so that no folder of that name can take its place unseen; write
    ``./NAME`` for the folder.

    Raises
    ------
    ModelError
        When there is none.
    """
    if str(source) in SHIPPED:
        return _SHIPPED_ROOT / str(source)
    folder = Path(source)
    if folder.is_dir():
        return folder
    # owner/name is what the hub takes; anything that looks more like a path is meant as one.
    if len(folder.parts) != 2 or folder.is_absolute() or folder.parts[0].startswith(".") or folder.exists():
        raise ModelError(
            f"There is no folder {source} with a network in it, nor a shipped network of that name "
            f"({', '.join(SHIPPED)})."
        )
    try:
        return Path(snapshot_download(str(source), revision=revision, allow_patterns=[CONFIG, WEIGHTS, CARD]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"There is no folder {source}, and it could not be had from the Hugging Face hub either: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _read_config(folder: Path) -> dict[str, Any]:
    pickled = [path.name for path in folder.iterdir() if path.suffix in PICKLED]
    if not (folder / WEIGHTS).is_file():
        refused = f" {', '.join(pickled)} could run code when loaded and is refused." if pickled else ""
        raise ModelError(f"There is no {WEIGHTS} in {folder}.{refused} Save the network with save_pretrained.")
    try:
        config = read_json(folder / CONFIG)
    except ConfigError as error:
        raise ModelError(f"The network in {folder} cannot be loaded: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise ModelError(f"{folder / CONFIG} is not the configuration of a prismseg network (it has no 'model').")
    return config


def _card(model: SegmentationModel) -> str:
    settings = model.config
    training = json.dumps(model.metadata.get("training", {}), indent=2, ensure_ascii=False)
    classes = ", ".join(model.metadata.get("classes", [])) or "not stated"
    return f"""---
library_name: prismseg
pipeline_tag: image-segmentation
tags: [image-segmentation, random-fourier-features]
---
# {settings["arch"]}, skip {settings["skip"]}, M {settings["multiplier"]}

Semantic segmentation network made with prismseg {VERSION}.
**Research use only: observations, not diagnoses.**

| | |
|---|---|
| architecture | {settings["arch"]}, width {settings["width"]:g}, norm {settings["norm"]} |
| preset | {settings["preset"]} |
| skip layer | {settings["skip"]}, multiplier {settings["multiplier"]} |
| input channels | {settings["in_channels"]} |
| classes | {classes} |
| parameters | {sum(parameter.numel() for parameter in model.parameters()):,} |

```python
from prismseg import Predictor
mask = Predictor.from_pretrained("THIS FOLDER")("image.png").mask
```

Training:

```json
{training}
```
"""
