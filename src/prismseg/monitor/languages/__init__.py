"""Languages that the monitor speaks; English is the language of the sources, the others are catalogues of gettext."""

from prismseg.monitor.languages.language import Language, languages, pick

__all__ = ["Language", "languages", "pick"]
