"""Registration of the weights study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.weights.figures import draw_weights
from prismseg.study.kinds.weights.run import run_weights
from prismseg.study.kinds.weights.settings import WeightsSettings, hashed_settings, source_files

WEIGHTS = StudyKind(
    WeightsSettings,
    run_weights,
    draw_weights,
    hashed_settings=hashed_settings,
    input_files=source_files,
    data_setting="training.data.path",
    simulation_setting="training.simulate",
)
