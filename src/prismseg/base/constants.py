"""Constants of statistics that several rooms use."""

from __future__ import annotations

Z95 = 1.959964
"""Standard errors from a mean to either end of its 95 % interval: the 97.5 % quantile of the normal distribution."""
