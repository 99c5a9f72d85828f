"""Every parameter is scrambled, in the order in which the network runs."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from prismseg.base import ModelError
from prismseg.explain import Atlas
from prismseg.explain.checks.scramble import (
    NO_EFFECT,
    NOT_EXECUTED,
    copy_network,
    estimate_statistics_,
    find_cascade,
    learned_tensors,
    scramble_,
)
from prismseg.nets import create_model

IMAGE = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def logits(model, images):
    return model(images)


def order(model, image=IMAGE):
    return [name for name, _ in find_cascade(model, image, logits).steps]


class HeadFirst(nn.Module):
    """The head is defined first and runs last."""

    def __init__(self):
        super().__init__()
        self.head, self.stem = nn.Conv2d(4, 2, 1), nn.Conv2d(1, 4, 3, padding=1)

    def forward(self, x):
        return self.head(self.stem(x).relu())


class Shared(nn.Module):
    """One block runs at the beginning and at the end."""

    def __init__(self):
        super().__init__()
        self.stem, self.block, self.middle = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return self.block(self.middle(self.block(self.stem(x))))


class Functional(nn.Module):
    """Parameters of its own, and a convolution of whose module only the weight is used."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.rand(1, 2, 16, 16))
        self.scale = nn.Parameter(torch.rand(2, 1, 1))
        self.stem, self.used = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 3)

    def forward(self, x):
        with torch.no_grad():
            place = self.place * 2
        x = self.stem(x) + place
        return F.conv2d(x, self.used.weight.detach(), padding=1) * self.scale


class Beside(nn.Module):
    """An auxiliary head runs, another does not; neither makes the logits."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1)
        self.auxiliary, self.unused = nn.Conv2d(2, 2, 1), nn.Sequential(nn.Conv2d(2, 2, 1))

    def forward(self, x):
        x = self.stem(x)
        return {"out": self.head(x), "aux": self.auxiliary(x)}


class Attention(nn.Module):
    """nn.MultiheadAttention never calls its output projection, but uses its weights."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 4, 4, 4), nn.LayerNorm(4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        tokens = self.norm(self.stem(x).flatten(2).mT)
        tokens = self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return F.interpolate(self.head(tokens.mT.unflatten(2, (4, 4))), scale_factor=4)


def test_the_order_is_that_of_the_run():
    assert order(HeadFirst()) == ["head", "stem"]
    assert order(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 1))) == [
        "3",
        "1",
        "0",
    ]
    assert order(Attention()) == ["head", "attention.out_proj", "attention", "norm", "stem"]


def test_a_shared_module_comes_once_where_it_runs_last():
    assert order(Shared()) == ["block", "middle", "stem"]
    tied = Shared()
    tied.middle = tied.block
    assert order(tied) == ["block", "stem"]


def test_parameters_outside_of_modules_calls():
    """Also those whose gradient is cut off."""
    cascade = find_cascade(Functional(), IMAGE, logits)
    assert cascade.steps == [
        ("(root)", ("place", "scale")),
        ("used", ("used.weight",)),
        ("stem", ("stem.weight", "stem.bias")),
    ]
    assert cascade.left_out == {"used.bias": NOT_EXECUTED}


def test_what_does_not_make_the_logits_is_left_out_by_name():
    cascade = find_cascade(Beside(), IMAGE, lambda model, images: model(images)["out"])
    assert [name for name, _ in cascade.steps] == ["head", "stem"]
    assert cascade.left_out == {"auxiliary": NO_EFFECT, "unused.0": NOT_EXECUTED}


def test_weight_normalisation_belongs_to_its_module():
    model = HeadFirst()
    nn.utils.parametrizations.weight_norm(model.head)
    assert order(model) == ["head", "stem"]


def missed(model, names):
    """Parameters that scrambling `names` leaves as they were, although they differ within."""
    twin = copy.deepcopy(model)
    scramble_(twin, names, torch.Generator().manual_seed(0))
    return [
        name
        for name, value in learned_tensors(twin).items()
        if torch.equal(value, learned_tensors(model)[name]) and not (value == value.flatten()[0]).all()
    ]


class Frozen(nn.Module):
    """As torchvision's FrozenBatchNorm2d: what was learned are buffers."""

    def __init__(self, channels):
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.rand(channels))

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


ZOO = {
    "head first": HeadFirst,
    "shared": Shared,
    "functional": Functional,
    "attention": Attention,
    "frozen": lambda: nn.Sequential(nn.Conv2d(1, 4, 1), Frozen(4), nn.Conv2d(4, 2, 1)),
    "unet": lambda: create_model("unet", "crffg", multiplier=1, width=0.25),
    "thesis": lambda: create_model("unet", "none", width=0.25, preset="thesis"),
    "resunet": lambda: create_model("resunet", "conv", multiplier=1, width=0.125),
    "fcn": lambda: create_model("fcn", "none", width=0.25, norm="group"),
}


@pytest.mark.parametrize("name", ZOO)
def test_everything_is_scrambled(name):
    torch.manual_seed(0)
    model = ZOO[name]().eval()
    for value in learned_tensors(model).values():
        if value.numel() > 1 and (value == value.flatten()[0]).all():
            nn.init.uniform_(value)  # as training would leave it
    cascade = find_cascade(model, IMAGE, logits)
    assert cascade.left_out == ({"used.bias": NOT_EXECUTED} if name == "functional" else {})
    steps = [names for _, names in cascade.steps]
    assert missed(model, [name for names in steps for name in names]) == list(cascade.left_out)
    for skipped in range(len(steps))[:: max(1, len(steps) // 4)]:  # the control: no step is dispensable
        rest = [name for number, names in enumerate(steps) if number != skipped for name in names]
        unchanged = set(missed(model, rest)) - set(cascade.left_out)
        assert unchanged <= set(steps[skipped])
        assert unchanged or all(learned_tensors(model)[name].numel() == 1 for name in steps[skipped])


def test_filters_are_drawn_anew_at_their_size_and_vectors_change_places():
    layer, norm = nn.Conv2d(32, 64, 3), nn.LayerNorm([4, 5])
    nn.init.uniform_(layer.weight, 1, 3)
    nn.init.uniform_(norm.weight)
    model = nn.ModuleDict({"layer": layer, "norm": norm})
    before = copy.deepcopy(model.state_dict())
    scramble_(model, ["layer.weight", "layer.bias", "norm.weight"], torch.Generator().manual_seed(0))
    weight = model["layer"].weight
    assert abs(weight.mean()) < 0.1
    torch.testing.assert_close(weight.square().mean(), before["layer.weight"].square().mean(), rtol=0.05, atol=0)
    for name in ("layer.bias", "norm.weight"):
        now, then = model.state_dict()[name], before[name]
        assert not torch.equal(now, then)
        assert torch.equal(now.flatten().sort().values, then.flatten().sort().values)


def test_running_statistics_follow_the_scrambled_weights_and_only_behind_them():
    """With statistics of other weights a deep network's activations would leave every bound."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3, affine=False)
    )
    model.eval()
    images = [torch.randn(3, 1, 12, 12) * 5 + 2, torch.randn(3, 1, 12, 12) * 5 + 2]
    with torch.no_grad():
        model[2].weight.mul_(100)
    first = copy.deepcopy(model[1])
    estimate_statistics_(model, ["2"], images, logits)
    assert torch.equal(model[1].running_mean, first.running_mean)
    inner = torch.cat([model[:3](some) for some in images])
    torch.testing.assert_close(model[3].running_mean, inner.mean((0, 2, 3)), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model[3].running_var, inner.var((0, 2, 3), correction=0), rtol=0.1, atol=1e-4)
    estimate_statistics_(model, ["0"], [torch.rand(1, 1, 5, 5)], logits)  # a single value a channel
    assert not torch.equal(model[1].running_mean, first.running_mean)
    assert model[3].running_var.eq(0).all()


class Keeping(nn.Module):
    """Keeps what it saw last, with its graph, as networks with deep supervision do (MONAI's DynUNet)."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 2, 1)
        self.heads = []

    def forward(self, x):
        self.heads[:] = [self.conv(x)]
        return self.head(self.heads[0])


def test_what_a_network_keeps_of_its_last_pass_is_copied_without_its_graph():
    model, image = Keeping().eval(), torch.rand(1, 1, 8, 8)
    model(image)
    twin = copy_network(model)
    assert torch.equal(twin.heads[0], model.heads[0]) and twin.heads[0].is_leaf and not model.heads[0].is_leaf
    assert [name for name, _ in find_cascade(model, image, logits).steps] == ["head", "conv"]


class Checkpointed(nn.Module):
    def __init__(self, reentrant):
        super().__init__()
        self.first, self.inner, self.head = (nn.Conv2d(n, m, 3, padding=1) for n, m in ((1, 3), (3, 3), (3, 2)))
        self.reentrant = reentrant

    def forward(self, x):
        return self.head(checkpoint(self.inner, self.first(x), use_reentrant=self.reentrant))


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_checkpointed_parts_are_followed_or_refused_with_the_remedy():
    image, mask = torch.rand(2, 1, 8, 8), torch.randint(0, 2, (2, 8, 8))
    model = Checkpointed(reentrant=False)
    assert [name for name, _ in find_cascade(model, image, logits).steps] == ["head", "inner", "first"]
    Atlas(model).update(image, mask)
    for work in (
        lambda net: Atlas(net, ["first"]).update(image, mask),
        lambda net: find_cascade(net, image, logits),
    ):
        with pytest.raises(ModelError, match="use_reentrant=False"):
            work(Checkpointed(reentrant=True))
