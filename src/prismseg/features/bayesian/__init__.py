"""Random Fourier features whose frequencies have a distribution: expected features and their variance in closed form."""

from prismseg.features.bayesian.variational import VariationalCRFFg2d

__all__ = ["VariationalCRFFg2d"]
