"""How many images fit into a given amount of memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prismseg.base import ConfigError


def bytes_per_image(model: nn.Module, image: Tensor) -> int:
    """Count the bytes that a forward pass of one image (1, C, H, W) keeps for its backward pass.

    Without gradients it needs less.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(image.detach().clone().requires_grad_())
    return sum(kept.values()) + image.nbytes


def images_that_fit(mebibytes: float, model: nn.Module, image: Tensor) -> int:
    """Count the images like `image` (1, C, H, W) that may go through `model` at once, at least one.

    Raises
    ------
    ConfigError
        When the memory is not above 0.
    """
    if not mebibytes > 0:
        raise ConfigError(f"The memory must be above 0 MiB, not {mebibytes}.")
    return max(1, int(mebibytes * 2**20 / bytes_per_image(model, image)))
