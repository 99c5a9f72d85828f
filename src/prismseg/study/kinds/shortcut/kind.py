"""Registration of the shortcut study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.shortcut.run import MEASURES, run_shortcut
from prismseg.study.kinds.shortcut.settings import ShortcutSettings, data_files, hashed_settings
from prismseg.study.means import draw_means

SHORTCUT = StudyKind(
    ShortcutSettings,
    run_shortcut,
    lambda rows: draw_means(rows, MEASURES),
    lower_is_better=("mark_gradient", "mark_occluded", "found", "found_occluded", "step_seconds"),
    hashed_settings=hashed_settings,
    input_files=data_files,
    data_setting="data.path",
    unused_packages=lambda settings: ("monitor", "thermal", "explain"),
)
