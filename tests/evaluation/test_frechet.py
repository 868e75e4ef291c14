import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from colourize.evaluation.frechet import distance


@pytest.mark.parametrize(("first", "second", "features"), [(60, 50, 5), (200, 30, 12), (40, 40, 1)])
def test_the_distance_equals_scipy_s_with_a_matrix_root(first, second, features):
    numbers = np.random.default_rng(0)
    one = numbers.normal(size=(first, features)) @ numbers.normal(size=(features, features))
    two = numbers.normal(size=(second, features)) + 0.5
    covariances = [np.cov(each, rowvar=False).reshape(features, features) for each in (one, two)]
    expected = ((one.mean(0) - two.mean(0)) ** 2).sum() + np.trace(
        sum(covariances) - 2 * sqrtm(np.matmul(*covariances))
    )
    assert distance(torch.from_numpy(one), torch.from_numpy(two)) == pytest.approx(expected.real, rel=1e-9)


def test_singular_covariances_have_the_distance_of_the_limit():
    """Fewer pictures than features: the same distance as for coordinates in a basis of their span."""
    generator = torch.Generator().manual_seed(0)
    one, two = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for n in (20, 15))
    basis = torch.linalg.qr(torch.randn(100, 3, generator=generator, dtype=torch.float64)).Q
    assert distance(one @ basis.T, two @ basis.T) == pytest.approx(distance(one, two), rel=1e-9)
    assert distance(one, one) == pytest.approx(0, abs=1e-12) and distance(one, one + 2) == pytest.approx(12)
    with pytest.raises(ValueError, match="both sets must contain >= 2 pictures, got 1 and 20"):
        distance(one[:1], one)
