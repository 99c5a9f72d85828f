"""An ensemble: whole networks of any architecture in one, whose probabilities are averaged."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from prismseg.base.settings import Settings
from prismseg.data import Preprocess
from prismseg.nets.ensemble.feed import Feed, logits_of, probabilities_of
from prismseg.nets.segmentation import SegmentationModel, build_model, read_options
from prismseg.nets.settings import NetworkSettings


class MemberOptions(Settings):
    """One network of an ensemble.

    Attributes
    ----------
    name : str
        For people.
    weight : float
        Its share of the average.
    model : dict
        What it is built from, see `prismseg.nets.NetworkSettings`.
    preprocess : dict
        How images are prepared for it, see `prismseg.data.Preprocess`.
    """

    name: str
    weight: float = Field(gt=0, le=1)
    model: dict[str, Any]
    preprocess: dict[str, Any]


class EnsembleOptions(Settings):
    """The networks of an ensemble, and how images are prepared for it."""

    preprocess: dict[str, Any]
    members: tuple[MemberOptions, ...] = Field(min_length=1)


class Ensemble(SegmentationModel):
    r"""Several networks that are asked together: the weighted mean of their probabilities.

    With the probabilities :math:`p_m` of class k and weights that sum to 1, the logit of k is
    :math:`\log \sum_m w_m p_{mk}`; with one logit (foreground against background) it is the difference of the two. Each
    member gets the image as it is used to (`prismseg.nets.ensemble.feed`), and its probabilities are enlarged
    bilinearly to the size of the image that the ensemble was given.

    Made by `prismseg.train.ensemble.combine`; `prismseg ensemble` on the command line.

    Attributes
    ----------
    members : nn.ModuleList
        The networks.
    names : tuple of str
        Their names.
    weights : tuple of float
        Their shares, which sum to 1.
    """

    takes_options: ClassVar = EnsembleOptions

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        self.options = read_options(EnsembleOptions, settings)
        self._take([build_model(NetworkSettings(**member.model)) for member in self.options.members])

    def _take(self, networks: Sequence[SegmentationModel]) -> None:
        """Take the networks that the options describe as members."""
        options = self.options
        total = sum(member.weight for member in options.members)
        self.names = tuple(member.name for member in options.members)
        self.weights = tuple(member.weight / total for member in options.members)
        given = Preprocess.from_dict(options.preprocess)
        self.feeds = tuple(Feed(given, Preprocess.from_dict(member.preprocess)) for member in options.members)
        self.members = nn.ModuleList(networks)
        # Members that are fed alike are padded alike, once; else each pads what it gets.
        strides = {network.stride for network in networks}
        alike = len(strides) == 1 and all(feed.changes_nothing for feed in self.feeds)
        self.stride = strides.pop() if alike else 1

    def alone(self, index: int) -> Ensemble:
        """Make an ensemble of one member, which shares its weights and is fed as in this one."""
        member = self.options.members[index]
        other = copy.copy(self)
        other._modules = {}
        other.options = self.options.model_copy(update={"members": (member,)})
        other.settings = replace(self.settings, options=other.options.model_dump(mode="json"))
        other.metadata = dict(self.metadata)
        other._take([self.networks[index]])
        return other

    @property
    def networks(self) -> list[SegmentationModel]:
        """The members, by their type."""
        return [network for network in self.members if isinstance(network, SegmentationModel)]

    @property
    def traced_size(self) -> tuple[int, int]:
        """Height and width of an image that exporters trace the network with, large enough for each member."""
        sizes = [
            feed.traced_size(network.traced_size) for network, feed in zip(self.networks, self.feeds, strict=True)
        ]
        return max(rows for rows, _ in sizes), max(columns for _, columns in sizes)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        mean = torch.zeros((), device=x.device)
        for network, feed, weight in zip(self.members, self.feeds, self.weights, strict=True):
            mean = mean + weight * feed.give_back(probabilities_of(network(feed(x))), x)
        return logits_of(mean, self.settings.classes)
