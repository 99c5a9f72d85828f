"""Studies: grids of runs from a file, on a laptop or a cluster, with statistics over groups and trainings.

The names load their module on first use, so that a study is checked before torch is loaded.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated={"Store": "RunStore"})
