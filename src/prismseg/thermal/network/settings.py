"""Settings of training on phantoms; imports no torch."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from pydantic import Field

from prismseg.train.sources import Source, SourceInputs, SourceSettings


class PhantomSettings(SourceSettings):
    """Train on simulated frames, each seen once, instead of the data set's cases (see `prismseg.thermal.phantom`)."""

    uses_cases: ClassVar[bool] = False
    kind: str = "phantoms"
    domains: tuple[str, ...]
    framings: tuple[str, ...] = ("soles", "above")
    size: tuple[int, int] = (240, 320)
    seed: int = Field(default=0, ge=0)

    def open(self, inputs: SourceInputs) -> Source:
        """Make the source for a run."""
        from prismseg.thermal.network.source import PhantomSource
        from prismseg.thermal.phantom import pair_at

        make_pair = partial(pair_at, self.seed, domains=self.domains, framings=self.framings, size=self.size)
        return PhantomSource(make_pair, inputs.cache.preprocess, inputs.batch_size)

    def describe(self) -> str:
        """Say in a sentence what the batches are."""
        return f"Training frames are simulated ({', '.join(self.domains)}), each seen once."


def upgrade_phantoms(section: dict[str, Any] | None) -> dict[str, Any]:
    """Turn the section ``phantoms`` of settings written by prismseg 0.1 into today's ``source``.

    Examples
    --------
    >>> upgrade_phantoms({"domains": ["spline"], "seed": 3})
    {'source': {'kind': 'phantoms', 'domains': ['spline'], 'seed': 3}}
    >>> upgrade_phantoms(None)
    {}
    """
    return {} if section is None else {"source": {"kind": "phantoms", **section}}


def trained_domains(training: dict[str, Any]) -> tuple[str, ...]:
    """Phantom domains that a network or a member of it learnt from, by the ``training`` of its metadata.

    Examples
    --------
    >>> learnt = {"source": {"kind": "phantoms", "domains": ["spline", "blob"]}}
    >>> trained_domains(learnt), trained_domains({"source": {"kind": "cases"}})
    (('spline', 'blob'), ())
    >>> trained_domains({"members": [{"training": learnt}, {"training": {"source": {"kind": "cases"}}}]})
    ('spline', 'blob')
    """
    if members := training.get("members"):
        found = (name for member in members for name in trained_domains(member.get("training") or {}))
        return tuple(dict.fromkeys(found))
    facts = upgrade_phantoms(training.get("phantoms")) or training
    source = facts.get("source") or {}
    return tuple(source.get("domains", ())) if source.get("kind") == "phantoms" else ()
