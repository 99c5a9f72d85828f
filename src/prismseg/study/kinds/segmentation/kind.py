"""Registration of the segmentation study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.segmentation.cases import draw_cases
from prismseg.study.kinds.segmentation.figures import draw_segmentation
from prismseg.study.kinds.segmentation.run import run_segmentation
from prismseg.study.kinds.segmentation.settings import (
    SegmentationSettings,
    data_files,
    hashed_settings,
    unused_packages,
)

SEGMENTATION = StudyKind(
    SegmentationSettings,
    run_segmentation,
    draw_segmentation,
    lower_is_better=("hd95", "hd95_mm", "assd_mm"),
    draws_pooled_cases=True,
    hashed_settings=hashed_settings,
    draw_cases=draw_cases,
    input_files=data_files,
    first=SegmentationSettings.trials,
    unused_packages=unused_packages,
    data_setting="data.path",
    simulation_setting="simulate",
)
