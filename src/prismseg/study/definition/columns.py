"""Columns of a study's tables, which no axis of a grid may be called."""

CASE_COLUMNS = ("case", "group")
DETAIL_COLUMNS = ("class", "layer")
MEAN_CLASS = "(mean)"  # in the column class: mean over the classes of each case
MEAN_LAYER = "(mean)"  # in the column layer: mean over the layers
WHOLE = ("", MEAN_LAYER)  # in the column layer: what says something of the whole network
INTERVAL_COLUMNS = ("ci_low", "ci_high", "range_low", "range_high")

_RESULTS = (*CASE_COLUMNS, *DETAIL_COLUMNS, "measure", "value", "x")
_FIGURES = ("network", "line", "reference", "difference")
_SUMMARY = ("mean", "sd", *INTERVAL_COLUMNS, "n", "n_groups", "n_missing")
_COMPARISON = ("compared", "role", "p_value", "p_holm", "aa", "note", "n_seeds", "n_left_out")
RESERVED = (*_RESULTS, *_FIGURES, *_SUMMARY, *_COMPARISON)
