"""Attention at the coarsest maps: where it begins, that it learns, is stored and chosen, and which networks refuse it."""

import pytest
import torch

from prismseg.base import ConfigError
from prismseg.nets import BOTTLENECKS, create_model, list_models, load_model
from prismseg.nets.attention.block import attention_block
from prismseg.train import make_config
from prismseg.train.runs.network import make_network


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("arch", ["unet", "resunet"])
@pytest.mark.parametrize("kind", ["attention", "attention_exact"])
def test_a_network_begins_as_the_one_without(arch, kind):
    plain = create_model(arch, width=0.5, seed=4).eval()
    network = create_model(arch, bottleneck=kind, width=0.5, seed=4).eval()
    x = torch.rand(2, 1, 32, 48, generator=seeded())
    assert torch.equal(network(x), plain(x))
    network(x).square().sum().backward()
    assert all(part.gain.grad.abs().sum() > 0 for part in network.attention)


def test_the_hybrid_has_two_blocks_in_place_of_the_convolutions_and_learns():
    network = create_model("hybrid", width=0.5, seed=0)
    names = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert len(network.blocks) == 2 and "attention" not in names
    assert sum(p.numel() for p in network.bottleneck.parameters()) == 32 * 64 + 64
    x = torch.rand(4, 1, 32, 32, generator=seeded())
    # To be told from the mean of the whole image, which convolutions at the coarsest grid of 2 × 2 do not see alone.
    target = (x.mean((1, 2, 3), keepdim=True) > x.mean()).float().expand_as(x)
    optimizer, losses = torch.optim.Adam(network.parameters(), lr=1e-2), []
    for _ in range(10):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(part.gain.abs().sum() > 0 for block in network.blocks for part in block)


def test_a_block_lets_every_place_reach_every_other():
    block, x = attention_block(16), torch.randn(1, 16, 6, 6, generator=seeded()).requires_grad_()
    block[0].layer.norm = torch.nn.Identity()  # which looks at all places, too
    with torch.no_grad():
        block[0].gain.fill_(0.1)
    block(x)[0, :, 0, 0].sum().backward()
    assert (x.grad.abs().sum((0, 1)) > 0).all()


@pytest.mark.parametrize(("arch", "kind"), [("unet", "attention"), ("hybrid", None)])
def test_it_is_stored_chosen_in_settings_and_not_listed(tmp_path, arch, kind):
    class Data:
        classes, channels, multilabel = ("background", "foot"), 1, False

    config = make_config({"data": {"path": "d"}, "model": {"arch": arch, "bottleneck": kind, "width": 0.5}})
    network = make_network(config, Data()).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.1)
    network.metadata = {"classes": ["background", "foot"]}
    network.save_pretrained(tmp_path)
    again = load_model(tmp_path)
    assert again.settings.bottleneck == kind
    x = torch.rand(1, 1, 33, 29, generator=seeded())
    with torch.no_grad():
        torch.testing.assert_close(again(x), network(x), rtol=1e-3, atol=1e-3)
    assert ("bottleneck attention" in (tmp_path / "README.md").read_text()) == (kind is not None)
    assert not any(variant.arch == "hybrid" for variant in list_models())


def test_runs_without_it_keep_their_hash():
    stored = make_config({"data": {"path": "d"}}).model_dump(mode="json")
    assert "bottleneck" not in stored["model"]


def test_it_is_refused_where_it_does_not_belong():
    with pytest.raises(ConfigError, match="no bottleneck 'attn'; choose one of attention, attention_exact"):
        create_model("unet", bottleneck="attn")
    for arch in ("fcn", "hybrid"):
        with pytest.raises(ConfigError, match=rf"'{arch}' takes no other bottleneck.*unet, resunet"):
            create_model(arch, bottleneck="attention")
    with BOTTLENECKS.temporarily("same", lambda channels: torch.nn.Identity()):
        assert isinstance(create_model("unet", bottleneck="same").attention, torch.nn.Identity)
