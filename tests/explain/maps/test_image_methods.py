"""Methods whose maps lie on the image: closed forms on additive and linear networks, and captum where it is there."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.explain import Atlas
from prismseg.explain.maps.gradients import integrated_gradients, score_gradients
from prismseg.explain.maps.hiding import occlusion, rise
from prismseg.explain.maps.method import ImageContext
from prismseg.explain.maps.propagation import propagate_relevance
from prismseg.explain.report.summary import IMAGE_LAYER
from prismseg.features import CRFFg2d
from prismseg.nets import create_model
from tests.explain.conftest import scene


def seeded(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.eval()


def context_of(scores, images, classes=1, seed=0):
    def score(seen, case):
        with torch.no_grad():
            return scores(seen)

    regions = torch.ones(len(images), classes, *images.shape[2:])
    return ImageContext(images, regions, scores, score, 64, "black", range(len(images)), seed)


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


class TestIntegratedGradients:
    def test_of_a_linear_score_they_are_the_contributions(self):
        weights, images = rand(2, 4, 4, seed=1) - 0.5, rand(3, 2, 4, 4)
        relevance, residual = integrated_gradients(
            lambda x: (x * weights).sum((1, 2, 3))[:, None], images, torch.zeros_like(images)
        )
        torch.testing.assert_close(relevance[:, 0], images * weights)
        assert residual.abs().max() < 1e-5

    def test_they_are_complete_for_a_network_and_its_baseline(self):
        net = seeded(nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Softplus(), nn.Conv2d(6, 2, 3, padding=1)))
        images, baseline = rand(2, 1, 8, 8), rand(2, 1, 8, 8, seed=2)

        def scores(x):
            return net(x).mean((2, 3))

        relevance, residual = integrated_gradients(scores, images, baseline)
        with torch.no_grad():
            torch.testing.assert_close(
                relevance.sum((2, 3, 4)), scores(images) - scores(baseline), rtol=1e-4, atol=1e-6
            )
        assert residual.abs().max() < 1e-3
        _, gradients = score_gradients(scores, images)  # the control: one gradient is not complete
        local = (gradients * (images - baseline)[:, None]).sum((2, 3, 4))
        assert (local - relevance.sum((2, 3, 4))).abs().max() > 1e-4

    def test_captum_agrees(self):
        captum = pytest.importorskip("captum.attr")
        net = seeded(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)))
        images = rand(2, 1, 8, 8)
        ours, _ = integrated_gradients(lambda x: net(x).mean((2, 3)), images, torch.zeros_like(images), steps=50)
        for cls in (0, 1):
            theirs = captum.IntegratedGradients(lambda x: net(x).mean((2, 3))).attribute(
                images, target=cls, n_steps=50
            )
            torch.testing.assert_close(ours[:, cls], theirs, rtol=1e-4, atol=1e-6)


class TestHiding:
    def test_occlusion_of_an_additive_score_is_what_the_window_holds(self):
        weights, images = rand(6, 6, seed=1), rand(2, 1, 6, 6)
        found = occlusion(context_of(lambda x: (x[:, 0] * weights).sum((1, 2))[:, None], images), side=2, step=2)
        expected = 4 * F.avg_pool2d(images * weights, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
        torch.testing.assert_close(found, expected)

    def test_captum_agrees_on_occlusion(self):
        captum = pytest.importorskip("captum.attr")
        net = seeded(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)))
        images = rand(2, 1, 8, 8)
        ours = occlusion(context_of(lambda x: net(x).mean((2, 3)), images, 2), side=4, step=2)
        for cls in (0, 1):
            theirs = captum.Occlusion(lambda x: net(x).mean((2, 3))).attribute(
                images, sliding_window_shapes=(1, 4, 4), strides=(1, 2, 2), target=cls
            )
            torch.testing.assert_close(ours[:, cls], theirs[:, 0], rtol=1e-4, atol=1e-6)

    def test_windows_reach_the_end_of_any_image(self):
        images = rand(1, 1, 7, 11)
        found = occlusion(context_of(lambda x: x.sum((2, 3)), images), side=3, step=2)
        assert torch.isfinite(found).all() and (found > 0).all()

    def test_rise_of_an_additive_score_is_half_the_contributions_of_a_cell(self):
        """Cells are shown independently, so the covariance of score and mask is a quarter of a cell's contribution."""
        weights = torch.tensor([[4.0, 0.0], [0.0, 0.0]])
        images = torch.ones(1, 1, 2, 2)
        found = rise(context_of(lambda x: (x[:, 0] * weights).sum((1, 2))[:, None], images), masks=4000, cells=2)
        assert found[0, 0, 0, 0].item() == pytest.approx(4 * 0.5, abs=0.15)
        assert found[0, 0].flatten()[1:].abs().max() < 0.15

    def test_rise_depends_on_its_seed_alone(self):
        images = rand(1, 1, 14, 14)
        first, again, other = (
            rise(context_of(lambda x: x.sum((2, 3)), images, seed=seed), masks=20) for seed in (0, 0, 1)
        )
        assert torch.equal(first, again) and not torch.equal(first, other)


class Skip(nn.Module):
    """What a segmentation network has, without biases: pooling, enlargement, concatenation, addition, 1 x 1."""

    def __init__(self, norm=False, bias=False, activation=nn.ReLU):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, padding=1, bias=bias)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.act = activation()
        self.deep = nn.Conv2d(4, 4, 3, padding=1, bias=bias)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2, bias=bias)
        self.head = nn.Conv2d(8, 3, 1, bias=bias)

    def forward(self, x):
        skip = self.act(self.norm(self.down(x)))
        deep = F.relu(self.deep(F.max_pool2d(skip, 2)) + F.avg_pool2d(skip, 2))
        return self.head(torch.cat([skip, self.up(deep)], 1))


class Attention(nn.Module):
    """One head over the pixels, without biases, and the mean of its logits."""

    def __init__(self):
        super().__init__()
        self.qkv, self.head = seeded(nn.Linear(3, 12, bias=False)), seeded(nn.Linear(4, 2, bias=False), 1)
        self.fused = False

    def forward(self, x):
        q, k, v = self.qkv(x.flatten(2).mT).chunk(3, dim=-1)
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = F.dropout((q @ k.mT / 2).softmax(-1), 0.1, training=False) @ v
        return self.head(mixed).mean(1)


class TestRelevancePropagation:
    @pytest.mark.parametrize("gamma", [0.0, 0.25, 1.0])
    @pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU, nn.SiLU, nn.GELU, nn.Tanh, nn.Hardswish])
    def test_relevance_is_conserved_without_biases(self, gamma, activation):
        net, images = seeded(Skip(activation=activation)), rand(2, 1, 8, 8) - 0.5
        _, residual = propagate_relevance(lambda x: net(x).mean((2, 3)), images, gamma=gamma)
        assert residual.abs().max() < 2e-3

    def test_biases_take_relevance_and_the_residual_tells(self):
        net = seeded(Skip(bias=True))
        relevance, residual = propagate_relevance(lambda x: net(x).mean((2, 3)), rand(1, 1, 8, 8))
        with torch.no_grad():
            scores = net(rand(1, 1, 8, 8)).mean((2, 3))
        total = relevance.sum((2, 3, 4))
        torch.testing.assert_close(residual, (total - scores).abs() / torch.maximum(total.abs(), scores.abs()))
        assert residual.abs().max() > 0.01

    def test_batch_normalisation_is_that_of_the_merged_convolution(self):
        generator = torch.Generator().manual_seed(3)
        net = seeded(Skip(norm=True))
        net.norm.running_mean.zero_()
        net.norm.bias.data.zero_()
        net.norm.running_var.copy_(torch.rand(4, generator=generator) + 0.5)
        net.norm.weight.data.copy_(torch.rand(4, generator=generator) + 0.5)
        merged = seeded(Skip())
        merged.load_state_dict({k: v for k, v in net.state_dict().items() if not k.startswith("norm")})
        scale = net.norm.weight / (net.norm.running_var + net.norm.eps).sqrt()
        merged.down.weight.data *= scale[:, None, None, None]
        images = rand(2, 1, 8, 8)
        ours, theirs = (propagate_relevance(lambda x, n=n: n(x).mean((2, 3)), images) for n in (net, merged))
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-4, atol=1e-7)
        assert ours[1].abs().max() < 1e-3  # merged, nothing is lost

    @pytest.mark.parametrize(
        "norm", [nn.GroupNorm(2, 4, affine=False), nn.InstanceNorm2d(4), nn.LayerNorm([8, 8])]
    )
    def test_other_normalisations_conserve(self, norm):
        net = seeded(
            nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), norm, nn.Conv2d(4, 2, 1, bias=False))
        )
        for module in net.modules():
            if isinstance(module, nn.LayerNorm):
                module.bias.data.zero_()
        weights = rand(8, 8, seed=5)  # the plain mean of a normalised map is 0
        _, residual = propagate_relevance(lambda x: (net(x) * weights).sum((2, 3)), rand(2, 1, 8, 8), gamma=0)
        assert residual.abs().max() < 2e-3

    def test_epsilon_of_a_relu_network_without_biases_is_gradient_times_input(self):
        net, images = seeded(Skip()), rand(2, 1, 8, 8)
        relevance, _ = propagate_relevance(lambda x: net(x).mean((2, 3)), images, gamma=0, epsilon=0)
        _, gradients = score_gradients(lambda x: net(x).mean((2, 3)), images)
        torch.testing.assert_close(relevance, gradients * images[:, None], rtol=1e-4, atol=1e-7)

    def test_gamma_by_hand(self):
        """Two inputs 1 and 2 with weights 3 and -1 give z = 1; with gamma 1 the shares are 6 and -2 of 4."""
        net = nn.Conv2d(1, 1, (1, 2), bias=False)
        net.weight.data = torch.tensor([[[[3.0, -1.0]]]])
        relevance, _ = propagate_relevance(lambda x: net(x).mean((2, 3)), torch.tensor([[[[1.0, 2.0]]]]), gamma=1)
        assert relevance.flatten().tolist() == pytest.approx([6 / 4, -2 / 4])

    def test_a_cosine_by_hand(self):
        """Phases 2 x + x' + 0.3: what the inputs change of the cosine, in proportion to their terms."""
        net = nn.Conv2d(1, 1, (1, 2))
        net.weight.data, net.bias.data = torch.tensor([[[[2.0, 1.0]]]]), torch.tensor([0.3])
        for x, other in ((0.5, 0.25), (-0.7, 2.0), (0.0, 1.0), (0.5, -1.0)):
            images = torch.tensor([[[[x, other]]]])
            relevance, _ = propagate_relevance(lambda x: torch.cos(net(x)).mean((2, 3)), images)
            moved = 2 * x + other
            slope = (math.cos(moved + 0.3) - math.cos(0.3)) / moved if moved else -math.sin(0.3)
            assert relevance.flatten().tolist() == pytest.approx([2 * x * slope, other * slope], abs=1e-6)

    @pytest.mark.parametrize("mapping", ["cos", "paired"])
    def test_of_fourier_features_all_but_the_phases_share_is_conserved(self, mapping):
        layer = CRFFg2d(2, 8, mapping=mapping, generator=torch.Generator().manual_seed(0))
        head = seeded(nn.Conv2d(8, 2, 3, padding=1, bias=False))
        images = rand(2, 2, 8, 8) - 0.3
        relevance, residual = propagate_relevance(lambda x: head(layer(x)).mean((2, 3)), images, gamma=0)
        with torch.no_grad():
            scores = head(layer(images)).mean((2, 3))
            bias = torch.zeros(8 if mapping == "cos" else 4) if layer.bias is None else layer.bias
            without = head(layer.activate(bias[None, :, None, None].expand(1, -1, 8, 8))).mean((2, 3))
        torch.testing.assert_close(relevance.sum((2, 3, 4)), scores - without, rtol=1e-3, atol=1e-4)
        assert residual.max() > 0.01  # the phases' share is told

    def test_attention_is_a_constant(self):
        """Relevance of what attention weights is conserved, written out or fused."""
        net = Attention()
        images = rand(2, 3, 4, 4) - 0.5
        relevance, residual = propagate_relevance(net, images)
        assert residual.max() < 1e-3
        net.fused = True
        torch.testing.assert_close(propagate_relevance(net, images)[0], relevance)
        other, _ = propagate_relevance(lambda x: net(x) * x.mean((1, 2, 3))[:, None], images)
        torch.testing.assert_close(
            other.sum((2, 3, 4)), net(images) * images.mean((1, 2, 3))[:, None], rtol=1e-3, atol=1e-5
        )

    @pytest.mark.parametrize("gamma", [0.0, 0.25])
    def test_captum_agrees(self, gamma):
        lrp = pytest.importorskip("captum.attr._core.lrp")
        rules = pytest.importorskip("captum.attr._utils.lrp_rules")
        net = seeded(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3), nn.ReLU()))
        for module in net:
            if isinstance(module, nn.Conv2d):
                module.rule = rules.GammaRule(gamma) if gamma else rules.EpsilonRule(1e-6)
                module.bias.data.abs_()
                if gamma:
                    module.bias.data.zero_()  # captum leaves biases out of the rule; as published they are weights too
        images = rand(1, 1, 8, 8)
        with torch.no_grad():
            cls, row, column = np.unravel_index(int(net(images)[0].argmax()), (3, 6, 6))
        theirs = lrp.LRP(net).attribute(images, target=(int(cls), int(row), int(column)))
        ours, _ = propagate_relevance(lambda x: net(x)[:, cls : cls + 1, row, column], images, gamma=gamma)
        assert theirs.abs().sum() > 0
        torch.testing.assert_close(ours[:, 0], theirs, rtol=1e-3, atol=1e-5)


METHODS = ["gradxinput", "ig", "occlusion", "rise", "lrp"]


@pytest.mark.parametrize("skip, norm", [("none", "batch"), ("crffg", "group")])
def test_in_an_atlas(skip, norm):
    model = create_model("unet", skip, width=0.25, norm=norm, seed=0).eval()
    images, masks = scene(2, size=(32, 40))
    atlas = Atlas(model, ["encoder.0", "encoder.1"], METHODS)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    atlas.update(images, masks)
    cases = atlas.cases()
    assert set(cases["layer"]) == {IMAGE_LAYER}
    assert len(cases) == len(METHODS) * 2 * 2 and cases["rho"].between(0, 1).all()
    told = cases.groupby("method")["residual"].apply(lambda values: values.notna().any())
    assert told.to_dict() == {name: name in ("ig", "lrp") for name in METHODS}
    conserved = cases.query("method == 'lrp'")["residual"]
    # What Fourier features are without any input is their phases' and is told.
    assert (conserved < 1e-3).all() if skip == "none" else (conserved > 0.01).all()
    maps = atlas.maps(images, masks)
    assert all(value.shape == (2, 32, 40) and (value >= 0).all() for value in maps.values())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_cases_of_a_batch_do_not_depend_on_each_other():
    model = create_model("unet", "none", width=0.25, seed=0).eval()
    images, _ = scene(3, size=(32, 32))
    atlas = Atlas(model, ["encoder.0"], ["gradxinput", "ig", "lrp"])
    together, alone = atlas.maps(images), atlas.maps(images[2:])
    for key, values in together.items():
        # Up to rounding, which decides where activations are equal under a max pooling.
        np.testing.assert_allclose(values[2].numpy(), alone[key][0].numpy(), atol=1e-2 * float(values[2].max()))
