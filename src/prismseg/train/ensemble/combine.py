"""Trained networks put together into one ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from prismseg.base import ConfigError, ModelError
from prismseg.base.version import VERSION
from prismseg.data import Preprocess
from prismseg.nets import Ensemble, NetworkSettings, SegmentationModel
from prismseg.nets.ensemble.feed import common_preprocess
from prismseg.nets.ensemble.network import EnsembleOptions, MemberOptions
from prismseg.nets.segmentation import build_model
from prismseg.train.runs.seen import SeenCases


@dataclass(frozen=True)
class Member:
    """A network that is to be a member of an ensemble.

    Attributes
    ----------
    network : SegmentationModel
        Trained network, whose metadata say how it is fed and what its classes are.
    name : str
        What people call it.
    weight : float
        Its share, in units of those of the others; a member of weight 0 is left out.
    """

    network: SegmentationModel
    name: str
    weight: float = 1.0


def combine(members: Sequence[Member]) -> Ensemble:
    """Put networks together into an ensemble: one network that gives the weighted mean of their probabilities.

    The members' weights are copied. Members that are ensembles themselves are taken apart, so that an ensemble never
    holds another one. It counts as seen what one of them has seen.

    Parameters
    ----------
    members : sequence of Member
        At least one of a weight above 0.

    Returns
    -------
    Ensemble
        In evaluation mode.

    Raises
    ------
    ConfigError
        When a weight is negative or all are 0.
    ModelError
        When the networks differ in their classes or their post-processing, do not say how they are fed, or take images
        of different numbers of channels.

    Examples
    --------
    >>> from prismseg.nets import create_model
    >>> networks = [create_model("unet", width=0.25, seed=seed) for seed in (0, 1)]
    >>> for network in networks:
    ...     network.metadata = {"classes": ["background", "nerve"], "preprocess": Preprocess((32, 32), 1).to_dict()}
    >>> ensemble = combine([Member(network, name) for network, name in zip(networks, "ab")])
    >>> ensemble(torch.rand(1, 1, 32, 32)).shape, ensemble.weights
    (torch.Size([1, 1, 32, 32]), (0.5, 0.5))
    """
    if any(not 0 <= member.weight < float("inf") for member in members):
        raise ConfigError("Weights of members must be finite and at least 0.")
    used = [part for member in members for part in _taken_apart(member) if part.weight > 0]
    if not used:
        raise ConfigError("An ensemble needs at least one member with a weight above 0.")
    for member in used:
        missing = [key for key in ("classes", "preprocess") if key not in member.network.metadata]
        if missing:
            raise ModelError(
                f"The network {member.name} does not state its {missing[0]}, so it cannot be combined."
            )
        if member.network.metadata.get("multilabel"):
            raise ModelError(
                f"The classes of the network {member.name} overlap, and such networks cannot be combined."
            )
    _require_same(used, "classes")
    _require_same(used, "postprocess", default="none")
    total = sum(member.weight for member in used)
    prepared = [Preprocess.from_dict(member.network.metadata["preprocess"]) for member in used]
    common = common_preprocess(prepared)
    classes = list(used[0].network.metadata["classes"])
    options = EnsembleOptions(
        preprocess=common.to_dict(),
        members=tuple(
            MemberOptions(
                name=member.name,
                weight=member.weight / total,
                model=member.network.config,
                preprocess=preprocess.to_dict(),
            )
            for member, preprocess in zip(used, prepared, strict=True)
        ),
    )
    network = build_model(
        NetworkSettings(
            "ensemble",
            in_channels=common.channels,
            classes=1 if len(classes) == 2 else len(classes),
            options=options.model_dump(mode="json"),
        )
    )
    assert isinstance(network, Ensemble)
    for ours, member in zip(network.members, used, strict=True):
        ours.load_state_dict(member.network.state_dict())
    network.metadata = {
        "preprocess": common.to_dict(),
        "classes": classes,
        **_mirrors([member.network.metadata for member in used]),
        "postprocess": used[0].network.metadata.get("postprocess", "none"),
        "training": {
            "software": f"prismseg {VERSION}",
            "members": [
                {
                    "name": member.name,
                    "weight": member.weight / total,
                    "training": member.network.metadata.get("training", {}),
                }
                for member in used
            ],
        },
        "seen": SeenCases.union(
            [SeenCases.from_metadata(each.network.metadata) for each in members]
        ).to_metadata(),
    }
    return network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def _taken_apart(member: Member) -> list[Member]:
    """Give the member itself, or the members of an ensemble with their shares of its weight."""
    ensemble = member.network
    if not isinstance(ensemble, Ensemble):
        return [member]
    facts = {key: value for key, value in ensemble.metadata.items() if key not in ("training", "preprocess")}
    training = ensemble.metadata.get("training", {}).get("members", [{}] * len(ensemble.names))
    parts = []
    for network, options, weight, own in zip(
        ensemble.networks, ensemble.options.members, ensemble.weights, training, strict=True
    ):
        network.metadata = {**facts, "preprocess": options.preprocess, "training": own.get("training", {})}
        parts.append(Member(network, f"{member.name}/{options.name}", member.weight * weight))
    return parts


def _mirrors(metadata: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """Over which mirrors predictions may be averaged (those that all know), and whether they are (where one asks)."""
    known = {key: all(each.get(key, False) for each in metadata) for key in ("mirror", "mirror_vertical")}
    asked = any(each.get("test_mirror", False) for each in metadata)
    return known | {"test_mirror": asked and any(known.values())}


def _require_same(members: Sequence[Member], key: str, default: Any = None) -> None:
    """Refuse members whose metadata differ in `key`."""
    for one, other in pairwise(members):
        ours, theirs = (member.network.metadata.get(key, default) for member in (one, other))
        if ours != theirs:
            shown = [value if isinstance(value, str) else ", ".join(value) for value in (ours, theirs)]
            what = {"classes": "classes", "postprocess": "post-processing"}[key]
            raise ModelError(
                f"Networks of different {what} cannot be combined: {one.name} has {shown[0]}; {other.name} has "
                f"{shown[1]}."
            )
