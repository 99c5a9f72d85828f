"""Temperature of two soles: radiometric frames, sides, nerve territories, sessions, flags. No torch.

The names load their module on first use, so that an extension of the library's registries costs next to nothing.
"""

from prismseg.base.lazy import lazy_exports

# Names of 0.1.0, until 0.3.0.
_DEPRECATED = {
    "Errors": "ErrorModel",
    "Plan": "SessionPlan",
    "Reading": "FrameSummary",
    "Shot": "TimedFile",
    "WHOLE": "WHOLE_SOLE",
    "in_order": "sort_naturally",
    "minute_in_name": "minute_from_name",
    "outlined": "legend_masks",
    "outlines": "trace_outlines",
    "read_listing": "summarize_frames",
    "read_shots": "read_files",
    "sentences": "translatable_texts",
    "upright": "turn_upright",
    "write_listing": "export_frames",
}

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated=_DEPRECATED)
