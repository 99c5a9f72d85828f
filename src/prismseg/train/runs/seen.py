"""Which cases a network has seen, recognised by content: what it was trained on can never count as a test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prismseg.data import SegmentationDataset, Split, join_groups
from prismseg.data.images.identity import group_key

# What a case is to a network. "same-group": not seen itself, but a case of its group (patient) was trained or chosen on.
# "unknown": the network does not say what it has seen.
PARTS = ("train", "validation", "test", "same-group", "new", "unknown")
UNSEEN = ("test", "new", "unknown")
_MET = ("train", "validation")


@dataclass(frozen=True)
class SeenCases:
    """What a network was trained on, chosen on and is to be tested on, earlier networks that it comes from included.

    Attributes
    ----------
    train, validation : dict
        Hash of the group of each case, by the identity of its image (`prismseg.data.images.identity`). No name of a
        file or a patient is in it.
    test : frozenset of str
        Identities of the cases that the split kept apart.
    complete : bool
        False where a network that it comes from does not say what it has seen.
    """

    train: Mapping[str, str] = field(default_factory=dict)
    validation: Mapping[str, str] = field(default_factory=dict)
    test: frozenset[str] = frozenset()
    complete: bool = True

    @classmethod
    def from_split(cls, dataset: SegmentationDataset, split: Split) -> SeenCases:
        """Record the parts of a split."""
        return cls.from_cases(dataset, split.train, split.validation, split.test)

    @classmethod
    def from_cases(
        cls,
        dataset: SegmentationDataset,
        train: Sequence[int] = (),
        validation: Sequence[int] = (),
        test: Sequence[int] = (),
    ) -> SeenCases:
        """Record cases of `dataset` by their positions."""
        ids, groups = dataset.identities, dataset.groups
        learnt, chosen_on = ({ids[case]: group_key(groups[case]) for case in part} for part in (train, validation))
        return cls(learnt, chosen_on, frozenset(ids[case] for case in test))

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> SeenCases | None:
        """Read what `to_metadata` wrote into a network's metadata; None where nothing was written."""
        stored = metadata.get("seen")
        if not isinstance(stored, dict):
            return None
        train, validation = (
            dict(word.split(":", 1) for word in str(stored.get(part, "")).split() if ":" in word) for part in _MET
        )
        test = frozenset(str(stored.get("test", "")).split())
        return cls(train, validation, test, complete=bool(stored.get("complete", True)))

    def to_metadata(self) -> dict[str, Any]:
        """Turn the record into JSON values: one line of ``identity:group`` words a part."""
        lines: dict[str, Any] = {
            part: " ".join(f"{case}:{group}" for case, group in sorted(getattr(self, part).items()))
            for part in _MET
        }
        return lines | {"test": " ".join(sorted(self.test)), "complete": self.complete}

    def after(self, earlier: SeenCases | None) -> SeenCases:
        """Record of a network that began as another one, whose record is `earlier` (None: it has none)."""
        if earlier is None:
            return SeenCases(self.train, self.validation, self.test, complete=False)
        return SeenCases(
            {**earlier.train, **self.train},
            {**earlier.validation, **self.validation},
            self.test - set(earlier.train) - set(earlier.validation),
            complete=self.complete and earlier.complete,
        )

    @classmethod
    def union(cls, records: Sequence[SeenCases | None]) -> SeenCases:
        """Record of a network that is put together of several, whose records are these (None: it has none).

        What one of them was trained on was trained on; what none has met and one kept apart is kept apart.
        """
        known = [record for record in records if record is not None]
        train = {case: group for record in known for case, group in record.train.items()}
        validation = {
            case: group for record in known for case, group in record.validation.items() if case not in train
        }
        test = frozenset(case for record in known for case in record.test) - set(train) - set(validation)
        complete = len(known) == len(records) and all(record.complete for record in known)
        return cls(train, validation, test, complete=complete)

    def parts(self, dataset: SegmentationDataset) -> list[str]:
        """Say what each case of `dataset` is to the network, one of `PARTS`.

        Names of groups are compared only where the data sets have an image in common: patient 1 of another hospital is
        somebody else.
        """
        known_groups = self.groups(dataset)
        groups = dataset.groups
        if known_groups:
            # Another cut of an image that was seen is of a group that was seen.
            joined = join_groups(groups, [(twin.first, twin.second) for twin in dataset.twins()])
            reached = {new for old, new in zip(groups, joined, strict=True) if old in known_groups}
            known_groups = known_groups | {
                old: "train" for old, new in zip(groups, joined, strict=True) if new in reached
            }
        parts = []
        for case, group in zip(dataset.identities, groups, strict=True):
            if case in self.train:
                parts.append("train")
            elif case in self.validation:
                parts.append("validation")
            elif case in self.test:
                parts.append("test")
            elif group in known_groups:
                parts.append("same-group")
            else:
                parts.append("new" if self.complete else "unknown")
        return parts

    def groups(self, dataset: SegmentationDataset) -> dict[str, str]:
        """Find the groups of `dataset` that the network has seen: "train" where it learnt from one of their cases."""
        cases = list(zip(dataset.identities, dataset.groups, strict=True))
        part_of: dict[str, str] = {}
        for part in reversed(_MET):
            known: Mapping[str, str] = getattr(self, part)
            part_of |= {group: part for case, group in cases if case in known}
        if any(case in self.train or case in self.validation or case in self.test for case, _ in cases):
            for part in reversed(_MET):
                keys = set(getattr(self, part).values())
                part_of |= {
                    group: part
                    for group in set(dataset.groups)
                    if group_key(group) in keys and part_of.get(group) != "train"
                }
        return part_of


def count_parts(parts: Sequence[str]) -> str:
    """Say how many cases are of each part, as "12 train, 3 test"."""
    counts = Counter(parts)
    return ", ".join(f"{counts[part]} {part}" for part in PARTS if counts[part])
