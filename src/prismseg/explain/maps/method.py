"""Kinds of map methods: what each needs of a network, and how its maps are made of it.

A method is an object of one of these kinds, registered under a name::

    METHODS.register("energy", ActivationMethod(title="Activation energy", maps=energy), summary="Sum of squares.")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn

    # Scores (N, K) of images (N, C, H, W), each over the region of the case of the given number in the batch.
    Score = Callable[[Tensor, int], Tensor]
    # Scores (B, K) of other images (B, C, H, W) of the cases of a batch, each over its own region.
    Scores = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class MapMethod:
    """What all kinds of methods have in common.

    Attributes
    ----------
    title : str
        As its authors call it: "Grad-CAM".
    formula : str
        The map in LaTeX, for documentation: A are the layer's activations, g the gradient of the score.
    citation : str
        Authors and year.
    needs : str
        What it is made of: "gradients", "activations" or "forward passes".
    knows_class : bool
        Whether maps of different classes differ.
    knows_layer : bool
        Whether maps of different layers differ; one that looks at the image alone has a single map, which stands in
        tables under the layer ``(image)``.
    place_by_place : bool
        Whether each place is weighted by itself. In a layer that acts on each pixel by itself such maps are zero
        outside of the region whose score is explained, whatever the network has learned.
    reads_network : bool
        Whether it looks at the network at all, unlike noise.
    check : callable, optional
        Takes the network and raises `prismseg.base.ModelError` where the method says nothing of such a network.
    """

    needs: ClassVar[str]
    knows_class: ClassVar[bool] = True
    knows_layer: ClassVar[bool] = True
    place_by_place: ClassVar[bool] = False

    title: str
    formula: str = ""
    citation: str = ""
    reads_network: bool = True
    check: Callable[[nn.Module], None] | None = None


class LayerGradients:
    """Activations and gradients of one layer, with what several methods make of them.

    Attributes
    ----------
    activation, gradient : (B, D, h, w) Tensor
        A and g = dy/dA, y being the score of a class.
    """

    def __init__(self, activation: Tensor, gradient: Tensor) -> None:
        self.activation = activation
        self.gradient = gradient

    @cached_property
    def product(self) -> Tensor:
        """The product g A, (B, D, h, w)."""
        return self.gradient * self.activation

    @cached_property
    def positive(self) -> Tensor:
        """The positive part of the gradient, ReLU(g), (B, D, h, w)."""
        return self.gradient.clamp_min(0)

    @cached_property
    def total(self) -> Tensor:
        """Sum of A over the places, (B, D)."""
        return self.activation.sum((2, 3))


@dataclass(frozen=True, kw_only=True)
class GradientMethod(MapMethod):
    """A method made of a layer's activations and the gradient of the score of one class."""

    needs: ClassVar[str] = "gradients"


@dataclass(frozen=True, kw_only=True)
class ChannelMethod(GradientMethod):
    """A method that weights each channel as a whole: ReLU of the sum over channels of w_d A_d.

    Attributes
    ----------
    weights : callable
        Function of `LayerGradients`; returns w (B, D).
    """

    weights: Callable[[LayerGradients], Tensor]


@dataclass(frozen=True, kw_only=True)
class PlaceMethod(GradientMethod):
    """A method that weights each place of each channel by itself.

    Attributes
    ----------
    maps : callable
        Function of `LayerGradients`; returns maps (B, h, w), nowhere negative.
    """

    place_by_place: ClassVar[bool] = True

    maps: Callable[[LayerGradients], Tensor]


@dataclass(frozen=True)
class LayerContext:
    """Where an activation comes from.

    Attributes
    ----------
    layer : str
        Name of the layer.
    cases : sequence of int
        Numbers of the cases (B,), counted over all batches.
    seed : int
        Of random numbers.
    """

    layer: str
    cases: Sequence[int]
    seed: int


@dataclass(frozen=True, kw_only=True)
class ActivationMethod(MapMethod):
    """A method made of a layer's activations alone; its maps are the same for all classes.

    Attributes
    ----------
    maps : callable
        Function of activations (B, D, h, w) and `LayerContext`; returns maps (B, h, w), nowhere negative.
    """

    needs: ClassVar[str] = "activations"
    knows_class: ClassVar[bool] = False

    maps: Callable[[Tensor, LayerContext], Tensor]


@dataclass(frozen=True)
class ScoreCamOptions:
    """How Score-CAM weights channels.

    Attributes
    ----------
    temperature : float
        Divides the differences of scores before the softmax; a large one makes the weights equal.
    linear : bool
        Take the differences themselves as weights, without softmax.
    baseline : str
        Of `prismseg.explain.BASELINES`: the image that the differences are taken to. The softmax is the same for
        every baseline, the linear weights are not.
    """

    temperature: float = 1.0
    linear: bool = False
    baseline: str = "black"


@dataclass(frozen=True)
class ForwardPasses:
    """What a method that runs the network again works with.

    Attributes
    ----------
    images : (B, C, H, W) Tensor
        As the network takes them, in at least single precision.
    score : callable
        See `Score`. All classes share the forward passes.
    chunk : int
        How many images may go through the network at once.
    options : ScoreCamOptions
        For Score-CAM.
    """

    images: Tensor
    score: Score
    chunk: int
    options: ScoreCamOptions


@dataclass(frozen=True, kw_only=True)
class ForwardMethod(MapMethod):
    """A method that judges a layer's activations by further forward passes, without gradients.

    Attributes
    ----------
    maps : callable
        Function of activations (B, D, h, w) and `ForwardPasses`; returns maps (B, K, h, w), nowhere negative, one a
        class.
    """

    needs: ClassVar[str] = "forward passes"

    maps: Callable[[Tensor, ForwardPasses], Tensor]


@dataclass(frozen=True)
class ImageContext:
    """What a method that makes maps of the image, not of a layer, works with.

    Attributes
    ----------
    images : (B, C, H, W) Tensor
        As the network takes them, in at least single precision.
    regions : (B, K, H, W) Tensor
        Pixels over which each class is scored, 0 or 1.
    scores : callable
        See `Scores`; gradients pass through it.
    score : callable
        See `Score`, for many images of one case; without gradients.
    chunk : int
        How many images may go through the network at once.
    baseline : str
        Of `prismseg.explain.BASELINES`: what stands in an image for what is hidden.
    cases : sequence of int
        Numbers of the cases (B,), counted over all batches.
    seed : int
        Of random numbers.
    factors : (B, K) Tensor, optional
        By which scores are multiplied before a backward pass in half precision, and gradients divided.
    network : Module, optional
        The network, for methods that look at its layers while it runs.
    """

    images: Tensor
    regions: Tensor
    scores: Scores
    score: Score
    chunk: int
    baseline: str
    cases: Sequence[int]
    seed: int
    factors: Tensor | None = None
    network: nn.Module | None = None


class ImageMaps(NamedTuple):
    """Maps of the image, with a check of whether they are complete.

    Attributes
    ----------
    maps : (B, K, H, W) Tensor
        Nowhere negative, one a class.
    residual : (B, K) Tensor
        How far the signed relevance of all pixels is from what it must add up to, as a share of the larger of both; 0 is
        complete.
    """

    maps: Tensor
    residual: Tensor


@dataclass(frozen=True, kw_only=True)
class ImageMethod(MapMethod):
    """A method whose maps lie on the image itself and are the same whatever layers are looked at.

    Attributes
    ----------
    maps : callable
        Function of `ImageContext`; returns maps (B, K, H, W), nowhere negative, one a class, or `ImageMaps`.
    slow : bool
        Whether it runs the network dozens of times a case or more; it is left out where maps are made again and again.
    """

    needs: ClassVar[str] = "the image"
    knows_layer: ClassVar[bool] = False

    maps: Callable[[ImageContext], Tensor | ImageMaps]
    slow: bool = False
