r"""Layer-wise relevance propagation (LRP) through any network, as a gradient whose rules are changed.

With $R$ the relevance of an activation $a$, $G = R / a$ obeys the chain rule: through what is linear without a bias
(sums, concatenations, enlargement, pooling), through ReLU and through the winners of max pooling, $G$ is the gradient
itself. So only convolutions, matrices, normalisations, other activations and products need rules, and these are put in
where the network calls such functions, be it in modules or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from prismseg.explain.maps.gradients import lacking, score_gradients
from prismseg.explain.maps.method import ImageContext, ImageMaps, ImageMethod

if TYPE_CHECKING:
    from prismseg.explain.maps.method import Scores

GAMMA = 0.25  # how much positive contributions are favoured in convolutions (Montavon et al. 2019, sec. 10.2.3)
EPSILON = 1e-6  # of matrices and 1 x 1 convolutions, relative to 1
_NEAR = 1e-3  # of a phase, below which the secant is the tangent between
_LINEAR = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear")
# Functions through 0 whose slope is not their value over their input.
_CURVED = ("silu", "gelu", "elu", "selu", "celu", "mish", "hardswish", "relu6", "hardtanh", "tanh", "softsign")
# Count as constants: weights of what they are multiplied with, and scales of normalisations.
_CONSTANTS = ("sigmoid", "hardsigmoid", "vector_norm", "norm", "std", "var", "rsqrt")
_PRODUCTS = ("mul", "multiply", "__mul__", "__rmul__")
_QUOTIENTS = ("div", "divide", "true_divide", "__truediv__")  # whose divisor is a constant, as a normalisation's
_MATRIX_PRODUCTS = ("matmul", "__matmul__", "bmm")
# Between the softmax of an attention and the product with its values.
_BETWEEN = ("dropout", "view", "reshape", "transpose", "permute", "to", "type_as", "contiguous", "expand")
_WAVES = {"cos": (torch.cos, lambda x: -torch.sin(x)), "sin": (torch.sin, torch.cos)}


class LrpRules(TorchFunctionMode):
    """Inside this context the gradient of a network is relevance over activation.

    Convolutions have the gamma rule for signed inputs, matrices and 1 x 1 convolutions the epsilon rule; batch
    normalisation after a convolution is merged into it first. The scale of other normalisations is a constant, products
    of two activations give half to each, gates are constants, and so are the weights of attention (Ali et al. 2022).

    A wave such as ``cos(w x + b)`` gives its input what that changes of it, ``cos(w x + b) - cos(b)``, in proportion
    to the terms of ``w x`` (the rescale rule, Shrikumar et al. 2017, from an input of zero): the slope is that of the
    secant. What the wave has without any input, ``cos(b)``, is the bias's, and is in the residual.

    What has no rule passes its gradient, and the residual shows what that costs.

    Parameters
    ----------
    gamma, epsilon : float
        Of these rules; with a gamma of 0 all have the epsilon rule.
    """

    def __init__(self, gamma: float = GAMMA, epsilon: float = EPSILON) -> None:
        super().__init__()
        self._gamma, self._epsilon = gamma, epsilon
        # Outputs of convolutions, held so that ids stay theirs: what batch normalisation is merged into.
        self._sources: dict[int, tuple[Tensor, Callable[..., Tensor], tuple[Any, ...], dict[str, Any]]] = {}
        self._attention: dict[int, Tensor] = {}  # outputs of a softmax, held for the same reason

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Put the rule of `func` in the place of what it does."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if not any(isinstance(value, Tensor) and value.requires_grad for value in (*args, *kwargs.values())):
            return func(*args, **kwargs)
        if name in _LINEAR:
            return self._linear(func, args, kwargs)
        if name == "batch_norm":
            return self._batch_norm(*args, **kwargs)
        if name in ("group_norm", "layer_norm", "instance_norm"):
            return _constant_scale(func, args, kwargs)
        if name.rstrip("_").removeprefix("linalg_") in _CONSTANTS:
            return func(*args, **kwargs).detach()
        if name.rstrip("_") in _CURVED:
            return _ratio(args[0], func(args[0].detach().clone(), *args[1:], **kwargs))
        if name in _WAVES:
            return self._wave(*_WAVES[name], args[0])
        if name == "scaled_cosine":  # of random Fourier features
            return args[1] * self._wave(*_WAVES["cos"], args[0])
        if name == "scaled_dot_product_attention":
            return func(*(args[0].detach(), args[1].detach(), *args[2:]), **kwargs)
        if name == "softmax" or (name in _BETWEEN and id(args[0]) in self._attention):
            result = func(*args, **kwargs)
            self._attention[id(result)] = result
            return result
        if name in _MATRIX_PRODUCTS and all(_learns(value) for value in args[:2]):
            return self._product(func, *args[:2])
        if name in _QUOTIENTS and len(args) == 2 and _learns(args[1]):
            return args[0] / args[1].detach()
        if name in _PRODUCTS and len(args) == 2 and all(_learns(value) for value in args):
            return self._product(torch.mul, *args)
        return func(*args, **kwargs)

    def _product(self, func: Callable[..., Tensor], first: Tensor, second: Tensor) -> Tensor:
        """Give half to each of two factors, or all to what attention weights."""
        if id(first) in self._attention:
            return func(first.detach(), second)
        if id(second) in self._attention:
            return func(first, second.detach())
        return 0.5 * (func(first, second.detach()) + func(first.detach(), second))

    def _wave(self, wave: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor], phases: Tensor) -> Tensor:
        """Pass a wave's values on, with the gradient of its secant from where the input is zero."""
        source = self._sources.get(id(phases))
        if source is None:
            plain, start = phases, torch.zeros_like(phases)
        else:
            _, apply, (inputs, weight, bias), _ = source
            constants = (weight.detach(), None if bias is None else bias.detach())
            plain, start = apply(inputs, *constants), apply(torch.zeros_like(inputs), *constants)
        moved = phases.detach() - start
        values = wave(phases.detach())
        near = moved.abs() < _NEAR
        secant = torch.where(near, slope(start + moved / 2), (values - wave(start)) / moved.masked_fill(near, 1))
        passed = plain * secant
        return passed + (values - passed).detach()

    def _linear(self, func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        inputs, weight, bias, rest, options = _parameters(args, kwargs)

        def apply(values: Tensor, with_weight: Tensor, with_bias: Tensor | None) -> Tensor:
            return func(values, with_weight, with_bias, *rest, **options)

        result = self._propagate(apply, inputs, weight, bias)
        self._sources[id(result)] = (
            result,
            apply,
            (inputs, weight, bias),
            {"transposed": "transpose" in func.__name__},
        )
        return result

    def _propagate(
        self, apply: Callable[..., Tensor], inputs: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        weight = weight.detach()
        bias = None if bias is None else bias.detach()
        if self._gamma == 0 or weight[0, 0].numel() == 1:
            values = apply(inputs, weight, bias)
            steady = values.detach() + self._epsilon * values.detach().sign()
            return _scaled(values, torch.where(steady != 0, values.detach() / steady, 1.0))
        positive, negative = weight.clamp_min(0), weight.clamp_max(0)
        above, below = inputs.clamp_min(0), inputs.clamp_max(0)
        signed = bool((inputs.detach() < 0).any())

        def favour(these: Tensor, others: Tensor, offset: Tensor | None) -> Tensor:
            result = apply(above, weight + self._gamma * these, offset)
            return result + apply(below, weight + self._gamma * others, None) if signed else result

        up = None if bias is None else bias + self._gamma * bias.clamp_min(0)
        down = None if bias is None else bias + self._gamma * bias.clamp_max(0)
        values = apply(inputs.detach(), weight, bias)
        rising, falling = favour(positive, negative, up), favour(negative, positive, down)
        # Of the sign of the value and no smaller, so that the ratio lies between 0 and 1.
        chosen = torch.where(values > 0, rising, falling)
        return _ratio(chosen, values)

    def _batch_norm(
        self,
        inputs: Tensor,
        mean: Tensor | None,
        variance: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if training or mean is None or variance is None:
            return _constant_scale(
                torch.nn.functional.batch_norm,
                (inputs, mean, variance, weight, bias, training, momentum, eps),
                {},
            )
        scale = (variance + eps).rsqrt() * (1 if weight is None else weight.detach())
        shift = (0 if bias is None else bias.detach()) - mean * scale
        source = self._sources.get(id(inputs))
        if source is None:
            shape = (1, -1, *(1,) * (inputs.ndim - 2))
            return inputs * scale.reshape(shape) + shift.reshape(shape)
        _, apply, (before, kernel, offset), facts = source
        kernel = kernel.detach()
        if facts["transposed"]:
            if kernel.shape[1] != len(scale):  # groups; not merged
                shape = (1, -1, *(1,) * (inputs.ndim - 2))
                return inputs * scale.reshape(shape) + shift.reshape(shape)
            merged = kernel * scale.reshape(1, -1, *(1,) * (kernel.ndim - 2))
        else:
            merged = kernel * scale.reshape(-1, *(1,) * (kernel.ndim - 1))
        return self._propagate(apply, before, merged, shift + (0 if offset is None else offset.detach() * scale))


def _learns(value: object) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _parameters(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, Tensor, Tensor | None, tuple[Any, ...], dict[str, Any]]:
    """Split the arguments of a convolution or matrix: input, weight, bias, all others."""
    options = dict(kwargs)
    given = list(args)
    found = [given.pop(0) if given else options.pop(name, None) for name in ("input", "weight", "bias")]
    return found[0], found[1], found[2], tuple(given), options


def _scaled(values: Tensor, factor: Tensor) -> Tensor:
    """Pass values on, and their gradient times a factor."""
    passed = values * factor.detach()
    return passed + (values - passed).detach()


def _ratio(source: Tensor, values: Tensor) -> Tensor:
    """Pass `values` on with the gradient of `source` times values over source: all relevance goes to the source."""
    still = source.detach()
    factor = torch.where(still != 0, values.detach() / torch.where(still != 0, still, 1.0), 0.0)
    passed = source * factor
    return passed + (values - passed).detach()


def _constant_scale(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Normalise with the scale as a constant: what is left is linear in the input, but for the offset."""
    inputs: Tensor = args[0]
    dims = _dims(func.__name__, inputs, args, kwargs)
    shaped = inputs
    if func.__name__ == "group_norm":
        groups = args[1] if len(args) > 1 else kwargs["num_groups"]
        shaped = inputs.reshape(len(inputs), groups, -1)
    centred = (shaped - shaped.mean(dims, keepdim=True)).reshape(inputs.shape)
    values = func(*(value.detach() if isinstance(value, Tensor) else value for value in args), **kwargs)
    zero = func(torch.zeros_like(inputs), *args[1:], **kwargs).detach()  # the offset alone
    return _ratio(centred, values - zero) + zero


def _dims(name: str, inputs: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
    """Dimensions over which a normalisation takes its mean; of groups, those of (B, groups, rest)."""
    if name == "group_norm":
        return (2,)
    if name == "layer_norm":
        shape = args[1] if len(args) > 1 else kwargs["normalized_shape"]
        return tuple(range(-len(shape), 0))
    return tuple(range(2, inputs.ndim)) if name == "instance_norm" else (0, *range(2, inputs.ndim))


def propagate_relevance(
    scores: Scores,
    images: Tensor,
    *,
    gamma: float = GAMMA,
    epsilon: float = EPSILON,
    factors: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Propagate the relevance of scores back to the image by the rules of `LrpRules`.

    Parameters
    ----------
    scores : callable
        Scores (B, K) of images (B, C, H, W), with gradients.
    images : (B, C, H, W) Tensor
    gamma, epsilon : float
        As in `LrpRules`.
    factors : (B, K) Tensor, optional
        As in `score_gradients`.

    Returns
    -------
    relevance : (B, K, C, H, W) Tensor
        Signed.
    residual : (B, K) Tensor
        How far its sum is from the score, as a share of the larger of both (`lacking`): what biases, offsets and phases
        took, and functions without a rule. Without any of these it is 0: relevance is conserved.

    Examples
    --------
    >>> net = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
    >>> relevance, residual = propagate_relevance(lambda x: net(x).mean((2, 3)), torch.rand(2, 1, 8, 8))
    >>> relevance.shape, bool(residual.abs().max() < 1e-4)
    (torch.Size([2, 1, 1, 8, 8]), True)
    """
    with LrpRules(gamma, epsilon):
        values, ratios = score_gradients(scores, images, factors)
    relevance = ratios * images[:, None]
    return relevance, lacking(relevance.sum((2, 3, 4)), values)


def _maps(context: ImageContext) -> ImageMaps:
    relevance, residual = propagate_relevance(context.scores, context.images, factors=context.factors)
    return ImageMaps(relevance.sum(2).clamp_min(0), residual)


LRP = ImageMethod(
    title="LRP",
    formula=r"\operatorname{ReLU} \sum_c R_c, \; R_j = \sum_k \frac{a_j (w_{jk} + \gamma w_{jk}^+)}"
    r"{\sum_i a_i (w_{ik} + \gamma w_{ik}^+)} R_k",
    citation="Montavon et al. 2019",
    maps=_maps,
)
