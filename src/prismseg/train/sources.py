"""Where training batches come from: the training cases of a data set, or what an extension registers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Union

from prismseg.base.settings import Settings
from prismseg.train.batches import Draw, batch_cases

if TYPE_CHECKING:
    from torch import Tensor

    from prismseg.data import TensorCache


Batch = Union["Tensor", Sequence["Tensor"]]


class Source(Protocol):
    """Images by number; which numbers make up a step is a pure function of the seed."""

    def numbers(self, step: int) -> list[int]:
        """Numbers of the images of step `step`, over all processes."""

    def batch(self, numbers: Sequence[int]) -> tuple[Batch, Batch]:
        """Images (B, C, H, W) float32 and masks (B, H, W) int64 of these numbers, prepared for the network.

        Where crops are taken of them, they may have different sizes and are then lists of (C, H, W) and (H, W).
        """

    def close(self) -> None:
        """Let go of what the source holds."""


@dataclass(frozen=True)
class SourceInputs:
    """What a run gives its source.

    Attributes
    ----------
    cache : TensorCache
        The data set, prepared for the network; ``cache.preprocess`` is how.
    cases : sequence of int
        Positions of the training cases in the data set.
    batch_size : int
        Images of a step, over all processes.
    seed : int
        Seed of the run.
    crops : bool
        Whether crops are taken of the images, which then need not have one size.
    annotators : bool
        Whether the mask of a case that several people drew is that of one of them at random.
    draw : callable, optional
        Chooses the cases of a step; by default shuffled decks.
    """

    cache: TensorCache
    cases: Sequence[int]
    batch_size: int
    seed: int
    crops: bool = False
    annotators: bool = False
    draw: Draw | None = None


class SourceSettings(Settings, ABC):
    """Settings of one kind of source, the part ``source:`` of a run's settings.

    A subclass has a default for `kind`, the name under which it is registered in `prismseg.train.registries.SOURCES`.
    """

    uses_cases: ClassVar[bool] = True  # whether the batches hold the training cases of the data set
    kind: str

    @abstractmethod
    def open(self, inputs: SourceInputs) -> Source:
        """Make the source for a run."""

    def describe(self) -> str:
        """Say in a sentence what the batches are, where they are not the training cases."""
        return ""


class CasesSettings(SourceSettings):
    """The training cases of the data set, each once before any is seen twice."""

    kind: str = "cases"

    def open(self, inputs: SourceInputs) -> Source:
        """Make the source for a run."""
        return CaseSource(inputs)


class CaseSource:
    """The training cases of a data set, dealt from shuffled decks or as `SourceInputs.draw` chooses."""

    def __init__(self, inputs: SourceInputs) -> None:
        self.inputs = inputs

    def numbers(self, step: int) -> list[int]:
        """Positions of the cases of step `step` in the data set."""
        cases, inputs = self.inputs.cases, self.inputs
        if inputs.draw is not None:
            return [cases[k] for k in inputs.draw(inputs.batch_size, step, inputs.seed)]
        return [cases[k] for k in batch_cases(len(cases), inputs.batch_size, step, inputs.seed)]

    def batch(self, numbers: Sequence[int]) -> tuple[Batch, Batch]:
        """Read these cases, prepared for the network."""
        if not self.inputs.crops:
            return self.inputs.cache.batch(numbers, annotators=self.inputs.annotators)
        cases = self.inputs.cache.cases(numbers, annotators=self.inputs.annotators)
        return [image for image, _ in cases], [mask for _, mask in cases]

    def close(self) -> None:
        """Nothing to let go of."""
