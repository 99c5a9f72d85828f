"""A network that stays as it is, and a trained correction of its logits."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from prismseg.base import ModelError
from prismseg.base.settings import Settings
from prismseg.data import Preprocess
from prismseg.nets.ensemble.feed import Feed, form_of, logits_of, probabilities_of
from prismseg.nets.segmentation import SegmentationModel, build_model, read_options
from prismseg.nets.settings import NetworkSettings


class RefinedOptions(Settings):
    """What a refined network is built from.

    Attributes
    ----------
    preprocess : dict
        How images are prepared for it and its correction, see `prismseg.data.Preprocess`.
    base, correction : dict
        What the two networks are built from, see `prismseg.nets.NetworkSettings`.
    base_preprocess : dict
        How images are prepared for the base.
    """

    preprocess: dict[str, Any]
    base: dict[str, Any]
    base_preprocess: dict[str, Any]
    correction: dict[str, Any]


class Refined(SegmentationModel):
    """The sum of the logits of a base, which training leaves as it is, and of a correction.

    The correction begins at exactly 0, so that training begins with the masks of the base. The base may be any network,
    one that was fitted in closed form or an ensemble, say. It is always in evaluation mode. Where it wants images of
    another size, its probabilities are enlarged bilinearly.

    Made by `refine`; ``prismseg train --from`` on the command line.

    Attributes
    ----------
    base, correction : SegmentationModel
        The two networks.
    """

    takes_options: ClassVar = RefinedOptions

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        options = read_options(RefinedOptions, settings)
        self.feed = Feed(Preprocess.from_dict(options.preprocess), Preprocess.from_dict(options.base_preprocess))
        self.base = build_model(NetworkSettings(**options.base)).requires_grad_(False).eval()
        self.correction = build_model(NetworkSettings(**options.correction))
        alike = self.feed.changes_nothing and self.base.stride == self.correction.stride
        self.stride = self.base.stride if alike else 1

    @property
    def encoder(self) -> nn.Module:
        """The encoder of the correction."""
        return self.correction.get_submodule("encoder")

    @property
    def traced_size(self) -> tuple[int, int]:
        """Height and width of an image that exporters trace the network with, large enough for both networks."""
        sizes = (self.feed.traced_size(self.base.traced_size), self.correction.traced_size)
        return max(rows for rows, _ in sizes), max(columns for _, columns in sizes)

    def train(self, mode: bool = True) -> Refined:
        """Leave the base in evaluation mode."""
        super().train(mode)
        self.base.eval()
        return self

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        logits = self.base(self.feed(x))
        if self.feed.resizes:
            logits = logits_of(self.feed.give_back(probabilities_of(logits), x), self.settings.classes)
        corrected: Tensor = logits + self.correction(x)
        return corrected


def refine(base: SegmentationModel, correction: SegmentationModel, preprocess: Preprocess) -> Refined:
    """Put a correction on a trained network.

    Parameters
    ----------
    base : SegmentationModel
        Trained network, whose metadata say how it is fed. Its weights are copied.
    correction : SegmentationModel
        Untrained network; its last layer becomes 0.
    preprocess : Preprocess
        How images are prepared for the two; the base gets its own of it.

    Raises
    ------
    ModelError
        When the two differ in classes, the base cannot be fed from such images, or the correction has no last layer that
        could be 0.

    Examples
    --------
    >>> from prismseg.nets import create_model
    >>> base = create_model("unet", width=0.25, seed=0).eval()
    >>> base.metadata["preprocess"] = Preprocess((32, 32), 1).to_dict()
    >>> refined = refine(base, create_model("fcn", width=0.25, seed=1), Preprocess((32, 32), 1)).eval()
    >>> x = torch.rand(1, 1, 32, 32)
    >>> bool((refined(x) == base(x)).all())
    True
    """
    ours, theirs = correction.settings.classes, base.settings.classes
    if ours != theirs:
        raise ModelError(f"A network of {theirs} logits cannot be corrected by one of {ours}.")
    wanted = Preprocess.from_dict(base.metadata["preprocess"])
    if not _can_be_fed(preprocess, wanted):
        raise ModelError(
            f"Images prepared for the correction ({_shown(preprocess)}) cannot be made into such as the base takes "
            f"({_shown(wanted)}). Prepare them as the base does."
        )
    head = getattr(correction, "head", None)
    if not isinstance(head, nn.Module) or getattr(head, "weight", None) is None:
        raise ModelError(
            f"The architecture {correction.settings.arch!r} has no layer `head` that could begin at 0, so it cannot be a "
            "correction; choose another --model."
        )
    settings = NetworkSettings(
        "refined",
        in_channels=correction.settings.in_channels,
        classes=ours,
        options=RefinedOptions(
            preprocess=preprocess.to_dict(),
            base=base.config,
            base_preprocess=wanted.to_dict(),
            correction=correction.config,
        ).model_dump(mode="json"),
    )
    network = build_model(settings)
    assert isinstance(network, Refined)
    network.base.load_state_dict(base.state_dict())
    network.base.metadata = dict(base.metadata)
    network.correction.load_state_dict(correction.state_dict())
    with torch.no_grad():
        for parameter in network.correction.get_submodule("head").parameters():
            parameter.zero_()
    return network


def _can_be_fed(given: Preprocess, wanted: Preprocess) -> bool:
    """Whether images that are prepared as `given` hold what `wanted` needs."""
    if "native" in (given.fit, wanted.fit):
        return form_of(given) == form_of(wanted)
    channels = given.channels == wanted.channels or (
        (given.channels, wanted.channels) == (3, 1) and given.intensity == "unit"
    )
    intensity = given.intensity == "unit" or wanted.intensity == "zscore"
    return channels and intensity and (given.fit == "area" or wanted.fit == "stretch")


def _shown(preprocess: Preprocess) -> str:
    channels = f"{preprocess.channels} channel{'s' * (preprocess.channels != 1)}"
    return f"{channels}, intensity {preprocess.intensity}, fit {preprocess.fit}"
