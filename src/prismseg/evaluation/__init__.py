"""How good a network is: metrics of cases, statistics over groups (patients), comparison, report.

The names load their module on first use; `prismseg.evaluation.statistics` and the metrics need no torch.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__)
