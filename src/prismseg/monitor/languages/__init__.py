"""Languages that the monitor speaks; English is the language of the sources, the others are catalogues of gettext."""

from prismseg.monitor.languages.language import (
    LANGUAGES,
    Language,
    LanguageSource,
    languages,
    pick,
    register_language,
)

__all__ = ["LANGUAGES", "Language", "LanguageSource", "languages", "pick", "register_language"]
