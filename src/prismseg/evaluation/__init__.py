"""Intervals, tests and comparisons over cases that come in groups (patients), without torch."""

from prismseg.evaluation.statistics.intervals import SHARE as SHARE
from prismseg.evaluation.statistics.intervals import Interval as Interval
from prismseg.evaluation.statistics.intervals import Intervals as Intervals
from prismseg.evaluation.statistics.intervals import column_intervals as column_intervals
from prismseg.evaluation.statistics.intervals import mean_interval as mean_interval
from prismseg.evaluation.statistics.intervals import sign_flip_test as sign_flip_test
from prismseg.evaluation.statistics.multiplicity import holm as holm
from prismseg.evaluation.statistics.paired import clustered_wilcoxon as clustered_wilcoxon
from prismseg.evaluation.statistics.paired import paired_comparison as paired_comparison
