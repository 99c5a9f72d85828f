"""Version of the installed package."""

from importlib.metadata import version

MAKES_NUMBERS = False  # see prismseg.base.sources

VERSION = version("prismseg")
