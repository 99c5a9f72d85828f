"""Deep supervision: which levels are supervised, by how much, and that it leaves the network as it is."""

import pytest
import torch
import torch.nn.functional as F

from prismseg.base import ConfigError
from prismseg.nets import create_model
from prismseg.train import RunFolder, Trainer
from prismseg.train.optimization.supervision import DeepSupervision, supervised_loss

from ..conftest import small_config
from ..test_loop import assert_equal_runs


@pytest.mark.parametrize("arch", ["unet", "resunet"])
@pytest.mark.parametrize("options", [{}, {"encoder": "efficientnet_lite0", "decoder": "slim"}])
def test_the_first_logits_are_the_networks_own(arch, options):
    network = create_model(arch, "crffg", classes=3, seed=0, **options).eval()
    image = torch.rand(2, 1, 45, 70)  # which is padded to 48 x 80, or 64 x 96
    main, *coarse = DeepSupervision(network, seed=1)(image)
    torch.testing.assert_close(main, network(image))
    assert len(coarse) == len(network.decoder) - 2 and all(each.shape == main.shape for each in coarse)


def test_each_head_reads_its_own_level_and_coarser_ones_come_later():
    network = create_model("unet", width=0.5, seed=0).eval()
    supervised = DeepSupervision(network, seed=1)
    image = torch.rand(1, 1, 64, 64)
    maps = network.decode(image)
    assert [level.shape[1] for level in maps] == list(network.decoder_widths) == [32, 16, 8, 4]
    finer, coarser = supervised(image)[1:]
    torch.testing.assert_close(finer, F.interpolate(supervised.heads[1](maps[2]), scale_factor=2, mode="bilinear"))
    torch.testing.assert_close(
        coarser, F.interpolate(supervised.heads[0](maps[1]), scale_factor=4, mode="bilinear")
    )


def test_levels_count_half_as_much_as_the_next_finer_one():
    def mean(logits, masks):
        return (logits * masks).mean()

    masks = torch.ones(1, 2, 2)
    levels = [torch.full((1, 1, 2, 2), value) for value in (7.0, 14.0, 28.0)]
    assert supervised_loss(mean, levels, masks).item() == pytest.approx(3 * 7 / 1.75)
    assert supervised_loss(mean, levels[0], masks).item() == 7


def test_every_level_learns_through_its_head():
    network = create_model("unet", "crffg", width=0.5, seed=0)
    supervised = DeepSupervision(network, seed=0)
    sum(each.square().sum() for each in supervised(torch.rand(2, 1, 32, 32))[1:]).backward()
    assert all(weight.grad is not None for weight in supervised.heads.parameters())
    # Without the finest logits the finest level and the network's own head get nothing.
    assert network.head.weight.grad is None and network.decoder[-1].first[0].weight.grad is None
    assert network.decoder[0].first[0].weight.grad is not None


def test_an_architecture_without_a_decoder_is_refused():
    with pytest.raises(ConfigError, match="'fcn' has no decoder"):
        DeepSupervision(create_model("fcn", width=0.25), seed=0)


def test_a_run_is_resumed_exactly_and_stores_the_network_alone(discs, tmp_path, monkeypatch):
    config = small_config(discs, optim={"steps": 4, "deep_supervision": True})
    plain = Trainer(small_config(discs), tmp_path / "plain")
    Trainer(config, tmp_path / "whole").fit(show_progress=False)
    cut = Trainer(config, tmp_path / "cut")
    original = cut.step

    def crash(step):
        if step == 3:
            raise RuntimeError("power cut")
        return original(step)

    monkeypatch.setattr(cut, "step", crash)
    with pytest.raises(RuntimeError, match="power cut"):
        cut.fit(show_progress=False)
    resumed = Trainer(config, tmp_path / "cut", resume=True)
    resumed.fit(show_progress=False)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")
    count = sum(len(group["params"]) for group in resumed.optimizer.param_groups)
    assert count == sum(len(group["params"]) for group in plain.optimizer.param_groups) + 4
    from safetensors.torch import load_file

    stored = load_file(RunFolder(tmp_path / "cut").model / "model.safetensors")
    assert stored.keys() == plain.network.state_dict().keys()
