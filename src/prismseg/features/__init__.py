"""Random Fourier features: kernels, spectral densities, the CRFFg layer, dense features, and their analysis."""

from prismseg.features.crffg import CRFFg2d
from prismseg.features.criticality import CriticalityReport, LayerState, check_criticality
from prismseg.features.fourier import mass_factor
from prismseg.features.kernels import KERNELS, exact_kernel
from prismseg.features.rff import RandomFourierFeatures
from prismseg.features.scale import median_scale, sample_patches
from prismseg.features.settings import PRESETS, FourierSettings
from prismseg.features.spectral import sample_frequencies, sample_phases, second_moment

__all__ = [
    "KERNELS",
    "PRESETS",
    "CRFFg2d",
    "CriticalityReport",
    "FourierSettings",
    "LayerState",
    "RandomFourierFeatures",
    "check_criticality",
    "exact_kernel",
    "mass_factor",
    "median_scale",
    "sample_frequencies",
    "sample_patches",
    "sample_phases",
    "second_moment",
]
