"""One tester that every architecture passes."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.base import ConfigError, ModelError
from prismseg.features import CRFFg2d, check_criticality
from prismseg.nets import count_parameters, create_model, list_models

# Total parameters of the thesis form at 1 channel and 1 class: base, conv M1, conv M3, crffg M1, crffg M3.
THESIS_TOTALS = {
    "fcn": (1_196_791, 1_381_303, 1_750_711, 1_381_305, 1_750_713),
    "unet": (493_941, 543_021, 739_101, 543_025, 739_105),
    "resunet": (643_509, 692_589, 812_509, 692_593, 812_513),
}
COLUMNS = (("none", 1), ("conv", 1), ("conv", 3), ("crffg", 1), ("crffg", 3))
VARIANTS = [(arch, skip, m) for arch in THESIS_TOTALS for skip, m in COLUMNS]


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join(map(str, variant)))
def variant(request):
    return request.param


def test_the_list_names_all_fifteen_once():
    listed = [(entry.arch, entry.skip, entry.multiplier) for entry in list_models()]
    assert sorted(listed) == sorted(VARIANTS)
    assert len({entry.name for entry in list_models()}) == 15


def test_thesis_parameter_totals(variant):
    arch, skip, multiplier = variant
    model = create_model(arch, skip, multiplier=multiplier, preset="thesis")
    assert count_parameters(model) == THESIS_TOTALS[arch][COLUMNS.index((skip, multiplier))]


class TestEveryVariant:
    def build(self, variant, **options):
        arch, skip, multiplier = variant
        torch.manual_seed(0)
        return create_model(arch, skip, multiplier=multiplier, width=0.25, **options)

    @pytest.mark.parametrize("preset", ["default", "thesis"])
    def test_channels_and_classes(self, variant, preset):
        model = self.build(variant, preset=preset, in_channels=4, classes=3).eval()
        with torch.no_grad():
            assert model(torch.randn(2, 4, 33, 50)).shape == (2, 3, 33, 50)

    def test_every_parameter_learns(self, variant):
        model = self.build(variant, classes=2)
        model(torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))).square().sum().backward()
        still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        # A convolution's bias before a batch normalisation has no effect, so rounding alone moves it.
        assert not [name for name in still if not name.endswith("bias")]

    def test_batches_are_single_runs(self, variant):
        model = self.build(variant).eval().double()
        x = torch.randn(3, 1, 32, 40, dtype=torch.float64)
        with torch.no_grad():
            together, single = model(x), torch.cat([model(case[None]) for case in x])
        # Without batch statistics the logits of an untrained network can be large; errors are relative to them.
        torch.testing.assert_close(together, single, atol=1e-9 * single.abs().max().item(), rtol=0)

    def test_group_norm_makes_training_independent_of_the_batch(self, variant):
        # In double precision only a dependence on the batch is left of the difference.
        model = self.build(variant, norm="group").train().double()
        x = torch.randn(3, 1, 32, 32, dtype=torch.float64)
        torch.testing.assert_close(model(x), torch.cat([model(case[None]) for case in x]), atol=1e-9, rtol=1e-9)

    def test_skip_layers_stand_on_every_skip(self, variant):
        arch, skip, _ = variant
        model = self.build(variant)
        expected = (2 if arch == "fcn" else 4) if skip == "crffg" else 0
        assert sum(isinstance(module, CRFFg2d) for module in model.modules()) == expected


@given(height=st.integers(1, 70), width=st.integers(1, 70), arch=st.sampled_from(["unet", "fcn", "resunet"]))
@settings(max_examples=25)
def test_any_size_gives_logits_of_that_size(height, width, arch):
    model = create_model(arch, "crffg", width=0.125).eval()
    with torch.no_grad():
        logits = model(torch.rand(1, 1, height, width))
    assert logits.shape == (1, 1, height, width) and logits.isfinite().all()


def test_padding_is_cropped_away_exactly():
    # A constant image stays constant under replicated padding, so the logits of any size have one centre value.
    model = create_model("unet", width=0.25).eval()
    with torch.no_grad():
        whole = model(torch.full((1, 1, 64, 64), 2.0))
        part = model(torch.full((1, 1, 60, 57), 2.0))
    # 4 rows and 7 columns are added, half of them (2 and 3) in front.
    torch.testing.assert_close(part, whole[..., 2:62, 3:60])


def test_default_skips_have_rms_one_whatever_stands_on_them():
    x = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    for skip in ("none", "conv", "crffg"):
        model = create_model("unet", skip).eval()
        sizes = {}
        for number, layer in enumerate(model.skips):
            layer.register_forward_hook(partial(note_rms, sizes, number))
        model(x)
        torch.testing.assert_close(torch.stack([sizes[n] for n in range(4)]), torch.ones(4), atol=0.35, rtol=0)


def note_rms(sizes, number, module, inputs, output):
    sizes[number] = output.square().mean().sqrt()


def test_default_network_is_critical():
    assert check_criticality(create_model("unet", "crffg", multiplier=3), torch.rand(4, 1, 64, 64)).ok


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"arch": "segnet"}, "resunet"),
        ({"skip": "rff"}, "crffg"),
        ({"multiplier": 2}, "1, 3"),
        ({"preset": "best"}, "thesis"),
        ({"classes": 0}, "at least 1"),
        ({"in_channels": 1.5}, "whole number"),
        ({"width": 0}, "width"),
        ({"norm": "layer"}, "instance"),
    ],
)
def test_impossible_networks_say_what_is_possible(options, word):
    with pytest.raises(ConfigError, match=word):
        create_model(**({"arch": "unet"} | options))


def test_wrong_channels_name_both_shapes():
    with pytest.raises(ModelError, match=r"\(2, 3, 8, 8\).*\(B, 1, H, W\)"):
        create_model("unet", width=0.25)(torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize("norm", ["batch", "group", "instance"])
def test_training_in_channels_last_format(norm):
    # PyTorch's own group normalisation ends the process here.
    model = create_model("unet", width=0.25, norm=norm).to(memory_format=torch.channels_last)
    images = torch.rand(2, 1, 32, 32).to(memory_format=torch.channels_last)
    model(images).square().mean().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
