"""Intervals, tests and comparisons over cases that come in groups (patients), without torch."""

from prismseg.evaluation.intervals import bootstrap_ci as bootstrap_ci
from prismseg.evaluation.multiplicity import holm as holm
from prismseg.evaluation.paired import paired_comparison as paired_comparison
