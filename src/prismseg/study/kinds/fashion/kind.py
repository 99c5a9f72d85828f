"""Registration of the Fashion-MNIST study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.fashion.figures import draw_fashion
from prismseg.study.kinds.fashion.run import run_fashion
from prismseg.study.kinds.fashion.settings import FashionSettings, data_files, hashed_settings

FASHION = StudyKind(
    FashionSettings,
    run_fashion,
    draw_fashion,
    hashed_settings=hashed_settings,
    input_files=data_files,
    data_setting="folder",
)
