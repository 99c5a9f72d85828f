"""What is chosen by name when networks are explained: map methods, regions, and baselines of Score-CAM.

The built-in ones are registered by where they are imported from, so that settings can be checked before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prismseg.base.registry import Registry

if TYPE_CHECKING:
    import pandas as pd
    from torch import Generator, Tensor

    from prismseg.explain.maps.method import MapMethod
    from prismseg.explain.target.region import Region

METHODS: Registry[MapMethod] = Registry("map method")
METHODS.register(
    "gradcam", "prismseg.explain.maps.gradient:GRAD_CAM", summary="Channels weighted by their mean gradient."
)
METHODS.register(
    "gradcam++",
    "prismseg.explain.maps.gradient:GRAD_CAM_PLUS_PLUS",
    summary="Channels weighted by positive gradients, each relative to the channel's activations.",
)
METHODS.register(
    "layercam",
    "prismseg.explain.maps.gradient:LAYER_CAM",
    summary="Each place of each channel weighted by its own positive gradient.",
)
METHODS.register(
    "hirescam",
    "prismseg.explain.maps.gradient:HIRES_CAM",
    summary="Each place of each channel weighted by its own gradient.",
)
METHODS.register(
    "xgradcam",
    "prismseg.explain.maps.gradient:X_GRAD_CAM",
    summary="Channels weighted by their gradients, averaged with the activations as weights.",
)
METHODS.register(
    "scorecam",
    "prismseg.explain.maps.score:SCORE_CAM",
    summary="Channels weighted by the score of the image seen through each of them (slow).",
)
METHODS.register(
    "eigencam",
    "prismseg.explain.maps.activation:EIGEN_CAM",
    summary="First principal component of the activations, the same for all classes.",
)
for _name, _address, _summary in (
    ("gradxinput", "gradients:GRADIENT_INPUT", "Pixels times the score's gradient."),
    (
        "ig",
        "gradients:INTEGRATED_GRADIENTS",
        "Pixels times the mean gradient on the way from a baseline; complete.",
    ),
    ("occlusion", "hiding:OCCLUSION", "What the score loses without a window that moves over the image (slow)."),
    ("rise", "hiding:RISE", "What the score gains where a pixel is among those shown at random (slow)."),
    ("lrp", "propagation:LRP", "Relevance propagated layer by layer, its conservation told."),
    ("rollout", "rollout:ROLLOUT", "Which places a region looks at; for networks with attention."),
):
    METHODS.register(_name, f"prismseg.explain.maps.{_address}", summary=_summary)
METHODS.register(
    "random", "prismseg.explain.maps.activation:RANDOM", summary="Uniform noise: the null, without any evidence."
)
METHODS.register(
    "region",
    "prismseg.explain.maps.activation:REGION",
    summary="The region that is explained, as a map: the null of what redraws it.",
)
# The methods that stand beside all others in an explanation: what a measure is worth without evidence, and what it is
# worth if the network's own answer is all that a map shows.
REGION_MAP = "region"
NULLS = ("random", REGION_MAP)


def knows_layer(method: str) -> bool:
    """Whether maps of a method differ from layer to layer; true of one that is not registered (any more)."""
    return method not in METHODS or METHODS[method].knows_layer


def is_slow(method: str) -> bool:
    """Whether a method runs the network dozens of times or more for each map of the image."""
    return bool(getattr(METHODS[method], "slow", False))


def list_methods() -> pd.DataFrame:
    """List the map methods with what they need and where they come from.

    Returns
    -------
    DataFrame
        Columns method (the name by which it is chosen), title, needs ("gradients", "activations" or "forward
        passes"), summary, formula (LaTeX) and citation.

    Examples
    --------
    >>> list_methods().set_index("method").loc["layercam", ["title", "needs", "citation"]].tolist()
    ['Layer-CAM', 'gradients', 'Jiang et al. 2021']
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "method": name,
            "title": method.title,
            "needs": method.needs,
            "summary": METHODS.summary(name),
            "formula": method.formula,
            "citation": method.citation,
        }
        for name, method in METHODS.items()
    )


REGIONS: Registry[Region] = Registry("region")
REGIONS.register(
    "prediction", "prismseg.explain.target.regions:PREDICTION", summary="Where the network predicts the class."
)
REGIONS.register("truth", "prismseg.explain.target.regions:TRUTH", summary="Where the class truly is.")
REGIONS.register("image", "prismseg.explain.target.regions:IMAGE", summary="The whole image.")
for _name, _constant, _summary in (
    ("boundary", "BOUNDARY", "Pixels of the predicted class within 3 pixels of its contour."),
    ("interior", "INTERIOR", "The rest of the predicted class."),
    ("false-positive", "FALSE_POSITIVE", "Where the network predicts the class and is wrong."),
    ("false-negative", "FALSE_NEGATIVE", "Where the class is and the network does not predict it."),
    ("positive", "POSITIVE", "Where the class's own logit is above 0: its mask where classes may overlap."),
):
    REGIONS.register(_name, f"prismseg.explain.target.parts:{_constant}", summary=_summary)
REGIONS.register_family(
    "instance:",
    "prismseg.explain.target.parts:INSTANCE",
    summary="The largest predicted instance of the class (instance:1), the second (instance:2), and so on.",
)
REGIONS.register_family(
    "pixel:",
    "prismseg.explain.target.parts:PIXEL",
    summary="One pixel of the network's input, by row and column: pixel:12x30.",
)
# What the network claims. With the true mask as region, late layers score well by construction.
DEFAULT_REGION = "prediction"

BASELINES: Registry[Callable[[Tensor], Tensor]] = Registry("baseline image")
BASELINES.register("black", "torch:zeros_like", summary="An image of zeros, as the network takes it.")
BASELINES.register(
    "blur",
    "prismseg.explain.maps.score:blur_images",
    summary="The image, blurred until only its brightness is left.",
)

# Takes images (N, C, H, W), which pixels (N, H, W) are hidden, and a generator of random numbers.
Fill = Callable[["Tensor", "Tensor", "Generator"], "Tensor"]
FILLS: Registry[Fill] = Registry("fill of hidden pixels")
FILLS.register("mean", "prismseg.explain.faithfulness.fills:mean", summary="The image's mean, channel by channel.")
FILLS.register("blur", "prismseg.explain.faithfulness.fills:blur", summary="The blurred image.")
FILLS.register(
    "inpaint",
    "prismseg.explain.faithfulness.fills:inpaint",
    summary="Interpolated from the neighbours, with a little noise: the imputation of ROAD.",
)
FILLS.register("black", "prismseg.explain.faithfulness.fills:black", summary="0, as the network takes images.")
