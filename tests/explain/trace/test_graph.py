"""Where the channels of an activation are, told by the graph of the forward pass."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.explain.trace.graph import find_channel_layout

CONV, NORM = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6).eval()
LINEAR, LAYER_NORM = nn.Linear(6, 6), nn.LayerNorm(6)


def tokens(x):
    """(B, D, h, w) to (B, N, D)."""
    return CONV(x).flatten(2).mT


def windows(x):
    """(B, h, w, D) in windows of 4, stacked into the batch, and back."""
    b, h, w, d = x.shape
    parts = x.view(b, h // 4, 4, w // 4, 4, d).transpose(2, 3).reshape(-1, 16, d)
    parts = LINEAR(parts)
    return parts.view(b, h // 4, w // 4, 4, 4, d).transpose(2, 3).reshape(b, h, w, d)


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


LAYOUTS = {
    "convolution": (lambda x: CONV(x), "first"),
    "activation and norm": (lambda x: F.gelu(NORM(CONV(x))), "first"),
    "instance norm": (lambda x: F.instance_norm(CONV(x)), "first"),
    "instance norm and activation in place": (
        lambda x: F.leaky_relu(F.instance_norm(CONV(x)), inplace=True),
        "first",
    ),
    "group norm": (lambda x: F.group_norm(CONV(x), 2), "first"),
    "pooling": (lambda x: F.max_pool2d(x, 2), "first"),
    "enlarged": (lambda x: F.interpolate(CONV(x), scale_factor=2), "first"),
    "residual": (lambda x: CONV(x) + torch.tanh(CONV(x)) * 0.1, "first"),
    "gate": (lambda x: CONV(x) * torch.sigmoid(CONV(x).mean((2, 3), keepdim=True)), "first"),
    "concatenated": (lambda x: torch.cat([x, CONV(x)], 1), "first"),
    "arithmetic of the image": (lambda x: (x - 0.5) / 0.2, "first"),
    "layer norm, channels first": (lambda x: LAYER_NORM(CONV(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2), "first"),
    "folded and unfolded": (lambda x: tokens(x).mT.unflatten(2, (8, 16)), "first"),
    "random features": (lambda x: 1.4 * torch.cos(CONV(x) + 1), "first"),
    "own function": (lambda x: _Doubled.apply(CONV(x)), "first"),
    "softmax of classes": (lambda x: CONV(x).softmax(1) * CONV(x), "first"),
    "permuted": (lambda x: CONV(x).permute(0, 2, 3, 1), "last"),
    "layer norm": (lambda x: LAYER_NORM(CONV(x).permute(0, 2, 3, 1)), "last"),
    "linear": (lambda x: LINEAR(CONV(x).permute(0, 2, 3, 1)), "last"),
    "linear without bias": (lambda x: F.linear(CONV(x).permute(0, 2, 3, 1), LINEAR.weight), "last"),
    "tokens on a grid": (lambda x: LINEAR(tokens(x)).unflatten(1, (8, 16)), "last"),
    "Swin block": (lambda x: (y := CONV(x).permute(0, 2, 3, 1)) + windows(LAYER_NORM(y)), "last"),
    "shifted": (lambda x: torch.roll(CONV(x).permute(0, 2, 3, 1), (-2, -2), (1, 2)), "last"),
    "attention weights": (lambda x: (tokens(x) @ tokens(x).mT).softmax(-1).unsqueeze(1), "weights"),
    "attention logits": (lambda x: (tokens(x) @ tokens(x).mT).unflatten(0, (2, 1)) * 0.3, "weights"),
    "mean attention": (lambda x: (tokens(x) @ tokens(x).mT)[:, None].softmax(-1).mean(1, keepdim=True), "weights"),
    "rows and columns exchanged": (lambda x: CONV(x).permute(0, 2, 1, 3), "unknown"),
    "mixer of places": (
        lambda x: F.linear(CONV(x).permute(0, 1, 3, 2), nn.Parameter(torch.rand(8, 8))).permute(0, 3, 2, 1),
        "unknown",
    ),
    "operands disagree": (lambda x: CONV(x)[..., :6, :6] + CONV(x)[..., :6, :6].permute(0, 2, 3, 1), "unknown"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_where_the_channels_are(name):
    make, expected = LAYOUTS[name]
    image = torch.rand(2, 3, 8, 16, requires_grad=True)
    assert find_channel_layout(make(image), image) == expected


def test_the_image_itself():
    image = torch.rand(2, 3, 8, 16, requires_grad=True)
    assert find_channel_layout(image, image) == find_channel_layout(image.view_as(image), image) == "first"
