"""Attention rollout: a case by hand, rows that sum to 1, products against matrices, networks it follows or refuses."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.base import ModelError
from prismseg.explain import Atlas
from prismseg.explain.maps.rollout import AttentionCall, record_attention, roll_out
from prismseg.features import attention_frequencies, attention_matrix
from prismseg.nets import create_model


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def call(weights):
    """Exact attention of one head with these weights, whose rows sum to 1: the logarithms are q'k / sqrt(d)."""
    weights = torch.tensor(weights)
    count = len(weights)
    return AttentionCall(weights.log()[None, None] * math.sqrt(count), torch.eye(count)[None, None])


def test_two_layers_by_hand():
    # (A + I) / 2 of the first layer: [[7/8, 1/8], [1/4, 3/4]]; of the second: [[3/4, 1/4], [1/10, 9/10]].
    first, second = call([[0.75, 0.25], [0.5, 0.5]]), call([[0.5, 0.5], [0.2, 0.8]])
    found = roll_out([first, second], torch.eye(2)[None])
    # second times first, by hand: 3/4 * 7/8 + 1/4 * 1/4 = 23/32, 1/10 * 7/8 + 9/10 * 1/4 = 5/16
    expected = torch.tensor([[23 / 32, 9 / 32], [5 / 16, 11 / 16]])
    torch.testing.assert_close(found[0], expected)
    other_order = roll_out([second, first], torch.eye(2)[None])
    assert not torch.allclose(other_order[0], expected)


def test_heads_are_averaged():
    half, near = [[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]
    both = AttentionCall(
        torch.cat([call(half).query, call(near).query.clamp_min(-200)], 1), torch.eye(2).expand(1, 2, 2, 2)
    )
    found = roll_out([both], torch.eye(2)[None])[0]
    torch.testing.assert_close(found, torch.tensor([[0.875, 0.125], [0.125, 0.875]]))  # (3/4 + 1) / 2


@pytest.mark.parametrize("features", [0, 32])
def test_products_are_those_of_the_matrices_and_rows_sum_to_one(features):
    calls, matrices = [], []
    for layer in range(3):
        query, key = torch.randn(2, 2, 4, 30, 8, generator=seeded(layer), dtype=torch.float64)
        drawn = attention_frequencies(features, 8, generator=seeded(layer)).double() if features else None
        calls.append(AttentionCall(query, key, drawn))
        matrices.append((attention_matrix(query, key, drawn).mean(1) + torch.eye(30)) / 2)
    rows = torch.rand(2, 5, 30, generator=seeded(), dtype=torch.float64)
    rows = rows / rows.sum(-1, keepdim=True)
    found = roll_out(calls, rows)
    torch.testing.assert_close(found, rows @ matrices[2] @ matrices[1] @ matrices[0])
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 5, dtype=torch.float64))
    assert (found >= 0).all()


@pytest.mark.parametrize(
    ("arch", "options", "chains"),
    [
        ("hybrid", {}, [2]),
        ("unet", {"bottleneck": "attention"}, [1]),
        ("unet", {"bottleneck": "attention_exact"}, [1]),
        ("resunet", {"skip": "attention", "bottleneck": "attention"}, [1, 1, 1, 1, 1]),
    ],
)
def test_it_follows_the_attention_of_our_networks(arch, options, chains):
    network = create_model(arch, classes=3, width=0.5, seed=0, **options).eval()
    images = torch.rand(2, 1, 32, 48, generator=seeded())
    with torch.no_grad(), record_attention(network) as calls:
        network(images)
    grids = [each.query.shape[-2] for each in calls]
    assert sorted(grids.count(size) for size in set(grids)) == chains
    regions = torch.zeros(2, 3, 32, 48)
    regions[:, 0, :16, :16] = 1
    regions[:, 1] = 1
    atlas = Atlas(network, ["head"], ["rollout"])
    maps = atlas.maps(images, regions=regions)
    near, whole, nowhere = (maps["rollout", "head", cls] for cls in range(3))
    torch.testing.assert_close(near.mean((1, 2)), torch.ones(2), rtol=0.1, atol=0)
    torch.testing.assert_close(whole.mean((1, 2)), torch.ones(2), rtol=0.1, atol=0)
    assert not nowhere.any()
    # Each layer keeps half of a token where it is.
    assert (near[:, :16, :16].mean((1, 2)) > 2 * near[:, 16:, 32:].mean((1, 2))).all()
    assert not network._modules["head"]._forward_pre_hooks and not any(
        module._forward_pre_hooks for module in network.modules()
    )


class Transformer(nn.Module):
    """A vision transformer with class token, attention as torch computes it, and logits at the image's size."""

    def __init__(self, prefix=1, masked=False):
        super().__init__()
        self.patches, self.prefix, self.masked = nn.Conv2d(1, 8, 4, 4), prefix, masked
        self.attention = nn.ModuleList(nn.Linear(8, 24) for _ in range(2))
        self.head = nn.Conv2d(8, 2, 1)
        self.SelfAttention = SelfAttention()

    def forward(self, x):
        x = self.patches(x)
        tokens = F.pad(x.flatten(2).mT, (0, 0, self.prefix, 0))
        for layer in self.attention:
            split = layer(tokens).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
            mask = torch.zeros(tokens.shape[1], tokens.shape[1]) if self.masked else None
            seen = F.scaled_dot_product_attention(*split, attn_mask=mask)
            tokens = tokens + seen.transpose(1, 2).flatten(2)
        return F.interpolate(self.head(tokens[:, self.prefix :].mT.reshape(x.shape)), scale_factor=4.0)


class SelfAttention(nn.Identity):
    """By whose name the network is known to attend."""


def test_it_follows_the_attention_of_other_networks():
    torch.manual_seed(0)
    network = Transformer().eval()
    images = torch.rand(1, 1, 24, 32, generator=seeded())
    atlas = Atlas(network, ["head"], ["rollout", "gradcam"], region="image")
    found = atlas.maps(images)["rollout", "head", 0]
    with torch.no_grad(), record_attention(network) as calls:
        network(images)
    assert [each.query.shape for each in calls] == 2 * [(1, 2, 1 + 6 * 8, 4)]
    first, second = ((attention_matrix(each.query, each.key)[0].mean(0) + torch.eye(49)) / 2 for each in calls)
    row = (second @ first)[1:].mean(0)[1:].reshape(6, 8) * 48
    torch.testing.assert_close(
        found[0], F.interpolate(row[None, None], (24, 32), mode="bilinear")[0, 0], rtol=1e-4, atol=1e-5
    )


def test_networks_without_attention_are_refused_before_they_run():
    with pytest.raises(
        ModelError,
        match=r"this network \(UNet\) has no layer of attention\. .*scaled_dot_product_attention\. Choose another",
    ):
        Atlas(create_model("unet", "crffg", seed=0), methods=["gradcam", "rollout"])
    with pytest.raises(ModelError, match="none whose tokens are the places of one grid"):
        Atlas(Transformer(masked=True), ["head"], ["rollout"]).maps(torch.rand(1, 1, 8, 8))
