"""Where the evidence of each class lies in each layer: activation maps, measures, atlases, reports.

The names load their module on first use, so that wrong settings are refused before torch is loaded.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated={"run_demo": "prismseg.thermal.demo.run_demo"})
