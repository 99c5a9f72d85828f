"""Layers that divide by the root mean square of an image do so in its pieces."""

import json

import pytest
import torch

from prismseg.features.normalize import unit_rms
from prismseg.nets import create_model
from prismseg.nets.instant.tiles import compute_in_tiles
from prismseg.nets.skips.pieces import ImageStatistics


def image():
    x = torch.randn(2, 1, 96, 320, generator=torch.Generator().manual_seed(0))
    x[..., :160] *= 0.1
    return x


@pytest.mark.parametrize("skip", ["none", "conv", "crffg"])
def test_a_network_in_pieces_is_the_network(skip):
    network, x = create_model("fcn", skip, in_channels=1, classes=2, width=0.1, seed=3).eval(), image()
    statistics = ImageStatistics(network)
    with torch.inference_mode():
        whole = network(x)
        pieces = compute_in_tiles(statistics.compute, x, network.stride, look=statistics.look, tile=64, margin=96)
        alone = compute_in_tiles(network, x, network.stride, tile=64, margin=96)
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=1e-4)
    assert (alone - whole).abs().max() > 1e-2
    # The network itself is left as it was.
    assert all(getattr(module, "rms", unit_rms) is unit_rms for module in network.modules())
    with torch.inference_mode():
        assert torch.equal(network(x), whole)


def test_mirrored_images_have_statistics_of_their_own():
    network, x = create_model("fcn", "none", in_channels=1, classes=2, width=0.1, seed=3).eval(), image()
    statistics = ImageStatistics(network)
    with torch.inference_mode():
        whole = network(x.flip(-1)).flip(-1)
        pieces = compute_in_tiles(
            lambda part: statistics.compute(part, (-1,)).flip(-1),
            x,
            network.stride,
            look=lambda part, rows, columns: statistics.look(part, rows, columns, (-1,)),
            tile=64,
            margin=96,
        )
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=1e-4)


def test_statistics_survive_a_file():
    network, x = create_model("fcn", "none", in_channels=1, classes=2, width=0.1, seed=3).eval(), image()[:1]
    first, second = ImageStatistics(network), ImageStatistics(network)
    with torch.inference_mode():
        compute_in_tiles(first.compute, x, network.stride, look=first.look, tile=64, margin=96)
        second.take_json(json.loads(json.dumps(first.to_json())))
        # To the last digit: a prediction that was stopped goes on as if it had not been.
        assert torch.equal(second.compute(x[..., :64]), first.compute(x[..., :64]))


def test_an_image_of_nothing_stays_nothing_and_a_failure_leaves_the_network_as_it_was():
    network = create_model("fcn", "none", in_channels=1, classes=2, width=0.1, seed=3).eval()
    statistics = ImageStatistics(network)
    assert statistics.needed and not ImageStatistics(torch.nn.Identity()).needed
    with pytest.raises(ValueError, match="shape"), torch.inference_mode():
        statistics.look(torch.zeros(1, 2, 64, 64), *[compute_tile()] * 2)
    assert all(getattr(module, "rms", unit_rms) is unit_rms for module in network.modules())


def compute_tile():
    from prismseg.nets.instant.tiles import cut

    return next(cut(64))
