"""Registration of the uncertainty study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.uncertainty.run import MEASURES, run_uncertainty
from prismseg.study.kinds.uncertainty.settings import UncertaintySettings
from prismseg.study.means import draw_means

UNCERTAINTY = StudyKind(
    UncertaintySettings,
    run_uncertainty,
    lambda rows: draw_means(rows, MEASURES),
    lower_is_better=("nll", "brier", "ece", "ece_doubtful", "aurc", "aurc_information"),
    unused_packages=lambda settings: ("monitor", "explain"),
)
