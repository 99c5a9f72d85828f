"""Registration of the Fashion-MNIST study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.fashion.figures import draw_fashion
from prismseg.study.kinds.fashion.run import run_fashion
from prismseg.study.kinds.fashion.settings import FashionSettings, data_files

FASHION = StudyKind(FashionSettings, run_fashion, draw_fashion, input_files=data_files, data_setting="folder")
