"""Registration of the spectrum study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.spectrum.run import MEASURES, run_spectrum
from prismseg.study.kinds.spectrum.settings import SpectrumSettings
from prismseg.study.means import draw_means

SPECTRUM = StudyKind(
    SpectrumSettings,
    run_spectrum,
    lambda rows: draw_means(rows, MEASURES),
    unused_packages=lambda settings: ("monitor",),
)
