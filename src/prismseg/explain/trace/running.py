"""Running a network without changing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from prismseg.base import ModelError


def unwrap(model: nn.Module) -> nn.Module:
    """Take the network out of DataParallel, DistributedDataParallel and torch.compile."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while True:
        if isinstance(model, wrappers):
            model = model.module
        elif isinstance(original := getattr(model, "_orig_mod", None), nn.Module):
            model = original
        else:
            return model


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Set every module to evaluation mode; at the end, also after an exception, restore the mode of each."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def require_gradients(model: nn.Module) -> None:
    """Refuse a network whose parameters cannot take part in a backward pass."""
    if any(tensor.is_inference() for tensor in (*model.parameters(), *model.buffers())):
        raise ModelError(
            "The network was made or loaded inside torch.inference_mode(), so no gradient can pass through it. Make it "
            "outside, or explain copy.deepcopy(model), taken outside."
        )


def gradients(
    score: Tensor, inputs: Sequence[Tensor], *, retain_graph: bool = False, allow_unused: bool = False
) -> tuple[Tensor | None, ...]:
    """Compute the gradients of the scalar `score` with respect to `inputs`, as `torch.autograd.grad` does.

    Raises
    ------
    ModelError
        When a part of the network is checkpointed in a way that does not allow it.
    """
    try:
        result: tuple[Tensor | None, ...] = torch.autograd.grad(
            score, inputs, retain_graph=retain_graph, allow_unused=allow_unused
        )
    except RuntimeError as error:
        if "use_reentrant" not in str(error):
            raise
        raise ModelError(
            "The network checkpoints a part of itself with use_reentrant=True, through which gradients of layers cannot "
            "be followed. Set use_reentrant=False, or turn checkpointing off for the explanation."
        ) from error
    return result


@contextmanager
def evaluation_context(model: nn.Module, images: Tensor) -> Iterator[None]:
    """Run `model` eagerly, in evaluation mode and with gradients; restore modes and random state afterwards.

    This also works inside `torch.no_grad` and `torch.inference_mode`.
    """
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.random.fork_rng(devices=cuda_devices(images)),
        torch.compiler.set_stance("force_eager"),
        evaluation_mode(model),
    ):
        yield


def cuda_devices(images: Tensor) -> list[int]:
    """List the GPU whose random state must be saved besides the processor's."""
    return [images.device.index or 0] if images.is_cuda else []
