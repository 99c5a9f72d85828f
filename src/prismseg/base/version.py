"""Version of the installed package."""

from importlib.metadata import version

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

VERSION = version("prismseg")
