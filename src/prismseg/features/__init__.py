"""Random Fourier features, their kernels, layers and analysis; and regression on dense features in closed form."""

from prismseg.features.attention import (
    attention_frequencies,
    attention_matrix,
    exact_attention,
    positive_features,
    random_attention,
    weigh_keys,
)
from prismseg.features.closed_form import (
    LinearPosterior,
    fit_evidence,
    fit_held_out,
    fit_ridge,
    held_out_errors,
    leave_one_group_out,
    ridge_path,
)
from prismseg.features.crffg import CRFFg2d
from prismseg.features.criticality import CriticalityReport, LayerState, check_criticality
from prismseg.features.fourier import mass_factor
from prismseg.features.kernels import KERNELS, exact_kernel
from prismseg.features.nystrom import NystromFeatures2d
from prismseg.features.rff import RandomFourierFeatures
from prismseg.features.scale import median_scale, sample_patches
from prismseg.features.settings import PRESETS, FourierSettings
from prismseg.features.spectral import sample_frequencies, sample_phases, second_moment
from prismseg.features.statistics import ClassStatistics, RegressionStatistics

__all__ = [
    "KERNELS",
    "PRESETS",
    "CRFFg2d",
    "ClassStatistics",
    "CriticalityReport",
    "FourierSettings",
    "LayerState",
    "LinearPosterior",
    "NystromFeatures2d",
    "RandomFourierFeatures",
    "RegressionStatistics",
    "attention_frequencies",
    "attention_matrix",
    "check_criticality",
    "exact_attention",
    "exact_kernel",
    "fit_evidence",
    "fit_held_out",
    "fit_ridge",
    "held_out_errors",
    "leave_one_group_out",
    "mass_factor",
    "median_scale",
    "positive_features",
    "random_attention",
    "ridge_path",
    "sample_frequencies",
    "sample_patches",
    "sample_phases",
    "second_moment",
    "weigh_keys",
]
