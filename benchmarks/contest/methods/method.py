"""What a contestant is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from contest.task import Fitted, Task

REFERENCE_SIZE = 128  # pixels a side for which costs are stated


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one core, at 128 x 128; all but `setup` grow with the pixels.

    Attributes
    ----------
    setup : float
        Whatever the data.
    image : float
        For each training image.
    step : float
        For each step.
    prediction : float
        For each image that is segmented.
    """

    setup: float = 1.0
    image: float = 0.0
    step: float = 0.0
    prediction: float = 0.05


@dataclass(frozen=True)
class Method:
    """A contestant.

    Attributes
    ----------
    fit : function of Task that returns Fitted
        Learns. Its module, with all that it imports, decides whether finished runs are stale.
    recipe : str
        What it does, with the source of its settings.
    cost : Cost
        Measured on two cores of an AMD EPYC; for plans.
    steps : int
        Its own number of steps; 0 where it learns in one go.
    choices : dict of str to str
        Settings of its own that were tried before the contest, each with what it means; the first is what competes.
    packages : tuple of str
        Whose versions are recorded.
    ours : bool
        Whether it is this project's.
    control : bool
        Whether it is there to explain the others rather than to win: it waits where time is short.
    """

    fit: Callable[[Task], Fitted]
    recipe: str
    cost: Cost
    steps: int = 0
    choices: Mapping[str, str] = field(default_factory=lambda: {"default": "as described"})
    packages: tuple[str, ...] = ("torch",)
    ours: bool = False
    control: bool = False

    def seconds(
        self, *, images: int, size: int, predictions: int, budget: float | None = None, stretch: float = 1.0
    ) -> float:
        """Estimate the CPU seconds of a run.

        Parameters
        ----------
        images, size, predictions : int
            Training images, side in pixels, images that are segmented afterwards.
        budget : float, optional
            Seconds of training, in place of the method's own number of steps.
        stretch : float
            Factor on that number.

        Examples
        --------
        >>> method = Method(len, "", Cost(setup=2, image=0.1, step=0.5, prediction=0.05), steps=100)
        >>> method.seconds(images=20, size=128, predictions=40)
        56.0
        >>> method.seconds(images=20, size=256, predictions=40)
        218.0
        >>> method.seconds(images=20, size=256, predictions=40, budget=60)
        68.0
        """
        scale = (size / REFERENCE_SIZE) ** 2
        after = self.cost.prediction * predictions * scale
        if budget is not None and self.steps:
            return budget + after
        each = self.cost.image * images + self.cost.step * self.steps * stretch
        return self.cost.setup + each * scale + after
