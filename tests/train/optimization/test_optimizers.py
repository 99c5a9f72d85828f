"""Which parameters learn at which rate, and which decay."""

import torch

from prismseg.nets import create_model
from prismseg.train.config import OptimConfig
from prismseg.train.optimization.optimizers import create_optimizer


def groups(skip, **optim):
    network = create_model("unet", skip, width=0.25, seed=0)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    optimizer = create_optimizer(OptimConfig(**optim), network)
    return [
        (group["lr_factor"], group["weight_decay"], {names[id(parameter)] for parameter in group["params"]})
        for group in optimizer.param_groups
    ]


def test_slow_frequencies_have_groups_of_their_own():
    found = groups("crffg_slow", weight_decay=0.25)
    assert [(rate, decay) for rate, decay, _ in found] == [(1.0, 0.25), (1.0, 0.0), (0.1, 0.25), (0.1, 0.0)]
    assert found[2][2] == {f"skips.{n}.weight" for n in range(4)}
    assert found[3][2] == {f"skips.{n}.bias" for n in range(4)}


def test_groups_of_networks_without_them_are_those_that_checkpoints_know():
    assert [group[:2] for group in groups("crffg")] == [(1.0, 1e-2), (1.0, 0.0)]
    factors = [rate for rate, _, _ in groups("crffg", encoder_lr_factor=0.5)]
    assert factors == [1.0, 1.0, 0.5, 0.5]


def test_amplitudes_and_gains_do_not_decay():
    for skip, suffix in (("crffg_paired", "amplitudes"), ("crffg_residual", "gain")):
        (still,) = [names for _, decay, names in groups(skip) if decay == 0]
        assert {f"skips.{n}.{suffix}" for n in range(4)} <= still


def test_a_step_of_adam_is_as_much_shorter():
    network = create_model("unet", "crffg_slow", width=0.25, seed=0)
    optimizer = create_optimizer(OptimConfig(optimizer="adam", weight_decay=0.0), network)
    before = {name: parameter.clone() for name, parameter in network.named_parameters()}
    for group in optimizer.param_groups:
        group["lr"] = group["lr_factor"] * 1e-2
    network(torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    optimizer.step()
    moved = {name: (p - before[name]).abs().max().item() for name, p in network.named_parameters()}
    # Adam's first step is the learning rate, whatever the gradient.
    assert abs(moved["skips.0.weight"] - 1e-3) < 1e-5 and abs(moved["head.weight"] - 1e-2) < 1e-4
