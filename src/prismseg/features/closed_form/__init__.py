r"""Bayesian linear regression in closed form: fitted in one solve, with exact uncertainty, removal and attribution.

Targets are :math:`t_{nk} = w_k^T z_n + \epsilon_{nk}` with noise :math:`\epsilon_{nk} \sim N(0, \sigma_k^2 / c_n)` and
the prior :math:`w_k \sim N(0, (\sigma_k^2 / \lambda) I)`. All outputs share the penalty :math:`\lambda`, the ratio of
noise to prior variance, hence one matrix :math:`A = G + \lambda I`; their posterior is
:math:`w_k \sim N(A^{-1} B_{\cdot k}, \sigma_k^2 A^{-1})` (Bishop 2006, equations 3.49 to 3.51).
"""

from prismseg.features.closed_form.fit import fit_evidence, fit_ridge, ridge_path
from prismseg.features.closed_form.held_out import fit_held_out, held_out_errors, leave_one_group_out
from prismseg.features.closed_form.posterior import LinearPosterior

__all__ = [
    "LinearPosterior",
    "fit_evidence",
    "fit_held_out",
    "fit_ridge",
    "held_out_errors",
    "leave_one_group_out",
    "ridge_path",
]
