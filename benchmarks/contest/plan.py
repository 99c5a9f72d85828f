"""Which cells are run in the time that there is, in what order, and which are left out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from contest.methods import METHODS
from contest.sets import ContestSet, part_cases, size_name
from prismseg.study import Run, Study, expand

OWN, EQUAL, DOUBLE = "own steps", "equal seconds", "twice the steps"
SECONDS = 60.0  # of the trainings that are compared at equal cost
QUICK_FOLDS, FULL_FOLDS = (2, 3, 4), (0, 1, 2, 3, 4)  # recipes were tuned on folds 0 and 1
TUNING_FOLD = 0
# Axes by which runs differ, as tables name them.
AXES = ("data", "effort", "images", "method", "fold", "seed")
_READING = 5.0  # seconds of a run beside training and prediction


@dataclass(frozen=True)
class Question:
    """A part of the contest that says something once all its cells are done: all its methods and folds.

    Attributes
    ----------
    effort : str
        `OWN`, `EQUAL` or `DOUBLE`.
    images : int or None
        Training size.
    folds : sequence of int
    controls : bool
        Asked of the methods that are controls, or of the others.
    """

    effort: str
    images: int | None
    folds: Sequence[int]
    controls: bool = False


@dataclass(frozen=True)
class OpenSet:
    """A data set of the contest with what a plan needs to know of it.

    Attributes
    ----------
    each : ContestSet
    groups : sequence of str
        Group of every case.
    sizes : sequence of (int or None)
        Training sizes that it has images for.
    """

    each: ContestSet
    groups: Sequence[str]
    sizes: Sequence[int | None]


@dataclass(frozen=True)
class Cell:
    """A run of the contest with its estimated CPU seconds."""

    run: Run
    seconds: float


@dataclass(frozen=True)
class Chunk:
    """The cells of one question on one data set; run or left out as a whole."""

    question: Question
    data: str
    cells: tuple[Cell, ...]

    @property
    def seconds(self) -> float:
        """CPU seconds of all cells."""
        return sum(cell.seconds for cell in self.cells)

    @property
    def name(self) -> str:
        """Words for it."""
        controls = ", controls" if self.question.controls else ""
        return f"{self.data}, {size_name(self.question.images)} images, {self.question.effort}{controls}"


@dataclass(frozen=True)
class Plan:
    """What is run, in this order, and what is left out."""

    chosen: tuple[Chunk, ...]
    left_out: tuple[Chunk, ...]

    @property
    def runs(self) -> list[Run]:
        """The runs, the most important first."""
        return [cell.run for chunk in self.chosen for cell in chunk.cells]


def list_questions(folds: Sequence[int]) -> list[Question]:
    """List what the contest asks, the most important first.

    The fewest images come first, by the methods' own recipes and at equal seconds, then all images; whether curves are
    flat is asked by training twice as long, on one fold. Controls are asked with the fewest images, and else last.
    """
    twice = folds[:1]
    asked = [
        (OWN, 20, folds), (EQUAL, 20, folds), (OWN, None, folds), (OWN, 40, folds), (DOUBLE, 20, twice),
        (OWN, 80, folds), (EQUAL, None, folds), (EQUAL, 40, folds), (EQUAL, 80, folds), (DOUBLE, None, twice),
    ]  # fmt: skip
    contenders = [Question(effort, images, chosen) for effort, images, chosen in asked]
    controls = [Question(effort, images, chosen, controls=True) for effort, images, chosen in asked]
    return [contenders[0], controls[0], *contenders[1:], *controls[1:]]


def list_cells(
    question: Question,
    data: OpenSet,
    methods: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    budget: float = SECONDS,
    device: str = "cpu",
    factors: Mapping[str, float] | None = None,
) -> tuple[Cell, ...]:
    """List the cells of a question on a data set; methods without steps take part in `OWN` alone.

    Parameters
    ----------
    question, data, methods, seeds
        What is asked, of whom.
    budget : float
        Seconds of `EQUAL`.
    device : str
        Where methods learn.
    factors : mapping, optional
        By which a method takes longer here than its cost says.
    """
    if question.images not in data.sizes:
        return ()
    terms = {OWN: {}, EQUAL: {"seconds": budget}, DOUBLE: {"stretch": 2.0}}[question.effort]
    asked = [name for name in methods if METHODS[name].control == question.controls]
    taking = [name for name in asked if question.effort == OWN or METHODS[name].steps]
    cells = []
    # By method first, so that one that uses what another has trained finds it.
    for name, fold, seed in product(taking, question.folds, seeds):
        settings = _settings(data.each, name, question.images, fold, seed, device) | terms
        labels = dict(
            zip(
                AXES,
                (data.each.name, question.effort, size_name(question.images), name, str(fold), str(seed)),
                strict=True,
            )
        )
        parts = part_cases(data.groups, fold, question.images)
        estimate = METHODS[name].seconds(
            images=len(parts.train),
            size=data.each.size,
            predictions=len(parts.test) + 16 * len(parts.watched) * bool(METHODS[name].steps),
            budget=terms.get("seconds"),
            stretch=terms.get("stretch", 1.0),
        )
        cells.append(Cell(_run(labels, settings), (estimate + _READING) * (factors or {}).get(name, 1.0)))
    return tuple(cells)


def list_tuning(
    data: Sequence[OpenSet], methods: Sequence[str], *, images: int = 20, device: str = "cpu"
) -> list[Run]:
    """List the runs that try the choices of each method, on a fold that quick contests do not test."""
    runs = []
    for each, name in product(data, methods):
        choices = METHODS[name].choices
        for choice in choices if len(choices) > 1 else ():
            settings = _settings(each.each, name, images, TUNING_FOLD, 0, device) | {"choice": choice}
            labels = {"data": each.each.name, "method": name, "choice": choice}
            runs.append(_run(labels, settings))
    return runs


def choose_chunks(chunks: Sequence[Chunk], seconds: float) -> Plan:
    """Choose chunks in order until the CPU seconds are used up; smaller later ones still take what is left.

    Examples
    --------
    >>> question = Question(OWN, 20, (0,))
    >>> cells = {name: Cell(Run({}, {}, name), cost) for name, cost in (("a", 5), ("b", 9), ("c", 3))}
    >>> chunks = [Chunk(question, name, (cell,)) for name, cell in cells.items()]
    >>> plan = choose_chunks(chunks, 10)
    >>> [chunk.data for chunk in plan.chosen], [chunk.data for chunk in plan.left_out]
    (['a', 'c'], ['b'])
    """
    chosen: list[Chunk] = []
    left: list[Chunk] = []
    for chunk in chunks:
        fits = sum(each.seconds for each in chosen) + chunk.seconds <= seconds
        (chosen if fits else left).append(chunk)
    return Plan(tuple(chosen), tuple(left))


def make_plan(
    data: Sequence[OpenSet],
    methods: Sequence[str],
    *,
    folds: Sequence[int] = QUICK_FOLDS,
    hours: float | None = 6.0,
    cores: int = 2,
    **options: Any,
) -> Plan:
    """Plan the contest.

    Parameters
    ----------
    data, methods, folds
        What takes part.
    hours : float, optional
        That may pass on so many `cores`; None: everything is run.
    **options
        Of `list_cells`.
    """
    chunks = []
    for question in list_questions(folds):
        found = [Chunk(question, each.each.name, list_cells(question, each, methods, **options)) for each in data]
        chunks += sorted((chunk for chunk in found if chunk.cells), key=lambda chunk: chunk.seconds)
    return choose_chunks(chunks, float("inf") if hours is None else hours * 3600 * cores)


def show_plan(plan: Plan, cores: int) -> str:
    """Write a plan as text: each question with its hours, and what is left out."""
    lines = [f"{'CPU hours':>9}  cells  what"]
    for chunk in plan.chosen:
        lines.append(f"{chunk.seconds / 3600:9.2f}  {len(chunk.cells):5}  {chunk.name}")
    total = sum(chunk.seconds for chunk in plan.chosen)
    lines.append(
        f"{total / 3600:9.2f}  {sum(len(chunk.cells) for chunk in plan.chosen):5}  in all: {total / 3600 / cores:.1f} "
        f"hours on {cores} cores"
    )
    if plan.left_out:
        more = sum(chunk.seconds for chunk in plan.left_out)
        lines.append(f"Left out ({more / 3600:.1f} CPU hours more; --full or --hours takes them in):")
        lines += [f"{chunk.seconds / 3600:9.2f}  {len(chunk.cells):5}  {chunk.name}" for chunk in plan.left_out]
    return "\n".join(lines)


def _settings(
    data: ContestSet, method: str, images: int | None, fold: int, seed: int, device: str
) -> dict[str, Any]:
    return {
        "data": {"path": str(data.path), **copy.deepcopy(data.options)},
        "size": data.size,
        "method": method,
        "images": images,
        "fold": fold,
        "seed": seed,
        "device": device,
    }


def _run(labels: dict[str, str], settings: dict[str, Any]) -> Run:
    """Make a run of the study kind, checked."""
    (run,) = expand(Study(title="contest", kind="contest", base=settings))
    return replace(run, labels=labels)
