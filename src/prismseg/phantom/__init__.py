"""The address of `prismseg.thermal.phantom` in prismseg 0.1; deprecated since 0.2.0."""

from prismseg.base.lazy import moved_package

__getattr__ = moved_package(__name__, "prismseg.thermal.phantom")
