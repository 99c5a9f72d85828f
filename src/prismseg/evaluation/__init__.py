"""Intervals, tests and comparisons over cases that come in groups (patients), without torch."""

from prismseg.evaluation.intervals import SHARE as SHARE
from prismseg.evaluation.intervals import Interval as Interval
from prismseg.evaluation.intervals import Intervals as Intervals
from prismseg.evaluation.intervals import column_intervals as column_intervals
from prismseg.evaluation.intervals import mean_interval as mean_interval
from prismseg.evaluation.intervals import sign_flip_test as sign_flip_test
from prismseg.evaluation.multiplicity import holm as holm
from prismseg.evaluation.paired import clustered_wilcoxon as clustered_wilcoxon
from prismseg.evaluation.paired import paired_comparison as paired_comparison
