"""Registration of the kernel study."""

from prismseg.study.kind import StudyKind
from prismseg.study.kinds.kernel.figures import draw_kernel
from prismseg.study.kinds.kernel.run import run_kernel
from prismseg.study.kinds.kernel.settings import KernelSettings

KERNEL = StudyKind(
    KernelSettings,
    run_kernel,
    draw_kernel,
    lower_is_better=("rmse", "mean_abs", "max_abs", "epsilon"),
)
