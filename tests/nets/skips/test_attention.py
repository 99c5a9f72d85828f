"""Attention on skips: where it begins, what it reaches, and that networks carry it through training, storage and maps."""

import pytest
import torch

from prismseg.nets import create_model, list_models, load_model
from prismseg.nets.skips.attention import SelfAttention2d


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["attention", "attention_exact"])
def test_a_network_begins_as_the_one_without_layers_and_learns(kind):
    plain = create_model("unet", width=0.5, seed=4).eval()
    network = create_model("unet", kind, width=0.5, seed=4).eval()
    x = torch.rand(2, 1, 32, 32, generator=seeded())
    assert torch.equal(network(x), plain(x))
    network(x).square().sum().backward()
    assert all(layer.gain.grad.abs().sum() > 0 for layer in network.skips)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    target = (x > 0.5).float()
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(layer.layer.tokens.weight.grad.abs().sum() > 0 for layer in network.skips)


def test_every_pixel_reaches_every_other_and_a_convolution_does_not():
    layer = SelfAttention2d(8)
    x = torch.randn(1, 8, 12, 12, generator=seeded()).requires_grad_()
    layer.norm = torch.nn.Identity()  # which looks at all pixels, too
    layer(x)[0, :, 0, 0].sum().backward()
    assert (x.grad.abs().sum((0, 1)) > 0).all()
    y = x.detach().requires_grad_()
    layer.place(y)[0, :, 0, 0].sum().backward()
    assert (y.grad.abs().sum((0, 1)) > 0).sum() == 4


def test_many_features_come_near_to_exact_attention():
    exact, near, far = (SelfAttention2d(16, features) for features in (0, 2048, 8))
    with torch.no_grad():
        exact.tokens.weight.mul_(0.5)
    for layer in (near, far):
        layer.load_state_dict({**layer.state_dict(), **exact.state_dict()})
    x = torch.randn(1, 16, 10, 10, generator=seeded())
    with torch.no_grad():
        errors = [(layer(x) - exact(x)).norm() / exact(x).norm() for layer in (near, far)]
    assert errors[0] < 0.05 and errors[0] < errors[1]


def test_it_is_stored_drawn_by_seed_and_not_listed(tmp_path):
    network = create_model("resunet", "attention", width=0.5, seed=1).eval()
    again = create_model("resunet", "attention", width=0.5, seed=1).eval()
    other = create_model("resunet", "attention", width=0.5, seed=2).eval()
    frequencies = [each.skips[0].layer.frequencies for each in (network, again, other)]
    assert torch.equal(frequencies[0], frequencies[1]) and not torch.equal(frequencies[0], frequencies[2])
    network.metadata = {"classes": ["background", "a"]}
    x = torch.rand(1, 1, 33, 29, generator=seeded())
    with torch.no_grad():
        for layer in network.skips:
            layer.gain.fill_(0.1)
        network.save_pretrained(tmp_path)
        torch.testing.assert_close(load_model(tmp_path)(x), network(x), rtol=1e-3, atol=1e-3)
    assert not any("attention" in variant.name for variant in list_models())
