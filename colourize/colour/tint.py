"""Measures colours beyond a tint. A toned print, such as sepia, has one chroma for each lightness. P pixels."""

import numpy as np
from numpy.typing import NDArray


def beyond_tint(lab: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """The residuals of a and b after a least-squares fit of polynomials in L: CIELAB [P, 3] -> [P, 2]."""
    powers = np.vander(lab[:, 0] / 50 - 1, degree + 1)  # values in [-1, 1], so that the fit is well conditioned
    fitted, *_ = np.linalg.lstsq(powers, lab[:, 1:], rcond=None)
    residual: NDArray[np.float64] = lab[:, 1:] - powers @ fitted
    return residual
