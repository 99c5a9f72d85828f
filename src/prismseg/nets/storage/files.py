"""The files of a network: safetensors, a JSON description and a model card. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from prismseg.base import ConfigError, ModelError, read_json, write_bytes, write_json, write_text
from prismseg.base.version import VERSION
from prismseg.nets.storage.lookup import CARD, CONFIG, WEIGHTS, explain_pickles


def write_network(folder: Path, network: nn.Module, config: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Write the weights of `network`, its description and a model card into `folder`, each atomically.

    Parameters
    ----------
    folder : Path
        Made if need be.
    network : nn.Module
        Whose state is stored.
    config : dict
        What it is built from, see `prismseg.nets.NetworkSettings.to_dict`.
    metadata : dict
        Facts about it that JSON can hold.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(folder / WEIGHTS, save(tensors, {"format": "pt"}))
    write_json(folder / CONFIG, {"library": "prismseg", "version": VERSION, "model": config, "metadata": metadata})
    parameters = sum(parameter.numel() for parameter in network.parameters())
    write_text(folder / CARD, _card(config, metadata, parameters))


def read_description(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what the network in `folder` is built from, and its metadata.

    Raises
    ------
    ModelError
        When a file is missing or damaged, or only pickled weights are offered.
    """
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"There is no {WEIGHTS} in {folder}.{explain_pickles(folder)} Save the network with save_pretrained."
        )
    try:
        stored = read_json(folder / CONFIG)
    except ConfigError as error:
        raise ModelError(f"The network in {folder} cannot be loaded: {error}") from error
    if not isinstance(stored, dict) or not isinstance(stored.get("model"), dict):
        raise ModelError(f"{folder / CONFIG} is not the configuration of a prismseg network (it has no 'model').")
    return stored["model"], stored.get("metadata", {})


def load_weights(network: nn.Module, folder: Path) -> None:
    """Load the weights in `folder` into `network`.

    Raises
    ------
    ModelError
        When they are damaged, or belong to another architecture.
    """
    try:
        network.load_state_dict(load((folder / WEIGHTS).read_bytes()))
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The weights {folder / WEIGHTS} are damaged ({error}); copy them anew.") from error
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise ModelError(
            f"The weights {folder / WEIGHTS} belong to another architecture than {folder / CONFIG} names: {detail}"
        ) from error


def hash_weights(folder: Path) -> str:
    """SHA-256 of the file of weights in `folder`, which tells networks of one name apart."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def _card(config: dict[str, Any], metadata: dict[str, Any], parameters: int) -> str:
    training = json.dumps(metadata.get("training", {}), indent=2, ensure_ascii=False)
    classes = ", ".join(metadata.get("classes", [])) or "not stated"
    parts = "".join(f", {part} {config[part]}" for part in ("encoder", "decoder", "bottleneck") if part in config)
    members = "".join(
        f"| member {member['name']} | {member['model']['arch']}, weight {member['weight']:.3g} |\n"
        for member in config.get("options", {}).get("members", ())
    )
    return f"""---
library_name: prismseg
pipeline_tag: image-segmentation
tags: [image-segmentation, random-fourier-features]
---
# {config["arch"]}, skip {config["skip"]}, M {config["multiplier"]}

Semantic segmentation network made with prismseg {VERSION}.
**Research use only: observations, not diagnoses.**

| | |
|---|---|
| architecture | {config["arch"]}{parts}, width {config["width"]:g}, norm {config["norm"]} |
| preset | {config["preset"]} |
| skip layer | {config["skip"]}, multiplier {config["multiplier"]} |
| input channels | {config["in_channels"]} |
| classes | {classes} |
{members}| parameters | {parameters:,} |

```python
from prismseg import Predictor
mask = Predictor.from_pretrained("THIS FOLDER")("image.png").mask
```

Training:

```json
{training}
```
"""
