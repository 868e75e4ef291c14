"""Picture quality: distances between colourized and true pictures. N images, H height, W width.

Pictures are sRGB in [0, 1], [N, 3, H, W]. Every measure is per image, [N], in float64 where the device supports it, so
that `bootstrap` can resample images. Full-reference measures favour grey pictures; read them with `colourfulness`.
"""

import math

import torch
from torch import Tensor

from colourize.colour.colourfulness import colourfulness as colourfulness  # one of the measures of this file
from colourize.colour.lab import delta_e_2000, precise, rgb_to_lab

AB_STEP = 10
# Grid points -110, -100, ..., 110 on each axis cover the sRGB gamut: a in [-87, 99], b in [-108, 95].
AB_SIDE = 23
AB_BINS = AB_SIDE * AB_SIDE
MAX_AB_ERROR = 150


def psnr(predicted: Tensor, true: Tensor, cap: float = 60.0) -> Tensor:
    """Peak signal-to-noise ratio in dB, at most `cap`: 2 x [N, 3, H, W] -> [N].

    -10 log10(mean squared error over channels and pixels). Without a cap equal pictures would have inf, and so would
    every mean over them. The cap is libvmaf's for 8-bit pictures, 6 * 8 + 12 dB. It corresponds to an rms error of
    0.255 levels, just below the 0.289 of rounding to 8 bits.
    """
    predicted, true = _checked(predicted, true)
    return (-10 * ((predicted - true) ** 2).mean((1, 2, 3)).log10()).clamp(max=cap)


def ssim(predicted: Tensor, true: Tensor) -> Tensor:
    """Structural similarity, mean over channels and windows: 2 x [N, 3, H, W] -> [N] in [-1, 1], 1 for equal pictures.

    (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)), C1 = 0.01^2, C2 = 0.03^2, moments under an
    11x11 Gaussian of sigma 1.5, windows inside the picture. Wang, Bovik, Sheikh, Simoncelli 2004 use luminance.
    NaN for pictures with a side below the window's 11 pixels.
    """
    predicted, true = _checked(predicted, true)
    if min(true.shape[-2:]) < 11:
        return true.new_full(true.shape[:1], torch.nan)
    mx, my = _gaussian_mean(predicted), _gaussian_mean(true)
    # Only the sum of the two variances enters.
    variances = _gaussian_mean(predicted**2 + true**2) - mx**2 - my**2
    covariance = _gaussian_mean(predicted * true) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    index = (2 * mx * my + c1) * (2 * covariance + c2) / ((mx**2 + my**2 + c1) * (variances + c2))
    return index.mean((1, 2, 3))


def ciede2000(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean CIEDE2000 difference over an image's pixels: 2 x [N, 3, H, W] -> [N] >= 0; about 1 is just noticeable."""
    predicted, true = _checked(predicted, true)
    return delta_e_2000(rgb_to_lab(predicted), rgb_to_lab(true)).mean((1, 2))


def ab_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean Euclidean distance in the ab plane of CIELAB, in ab units: 2 x [N, 3, H, W] -> [N]."""
    return _ab_distance(*_checked(predicted, true)).mean((1, 2))


def raw_accuracy(predicted: Tensor, true: Tensor) -> Tensor:
    """Raw accuracy, AuC (Zhang, Isola, Efros 2016, section 3.1): 2 x [N, 3, H, W] -> [N] in [0, 1], 1 for equal chroma.

    Area under the curve "share of pixels with ab error <= theta", theta = 0, 1, ..., 150 (trapezoids), divided by 150.
    """
    return _area(_ab_distance(*_checked(predicted, true))).mean((1, 2))


def rebalanced_accuracy(predicted: Tensor, true: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
    """Class-rebalanced AuC (Zhang, Isola, Efros 2016) as a numerator and a denominator: 2 x [N, 3, H, W] -> [N], [N].

    Divide the sums over images. A pixel's weight is 1 / prior[ab bin of its true colour] (the paper's equation 4 with
    lambda = 0), so that rare, vivid colours count as much as frequent greys. A bin with prior 0 gets the weight of the
    rarest bin above 0. A few pixels dominate the measure, so read its interval.

    Args:
        predicted: [N, 3, H, W] in [0, 1].
        true: [N, 3, H, W] in [0, 1].
        prior: [529], `ab_histogram` of the training pictures after `smoothed`; its scale does not matter.

    Raises:
        ValueError: a prior of another shape or without a value above 0, or pictures of other shapes.
    """
    predicted, true = _checked(predicted, true)
    if prior.shape != (AB_BINS,) or not bool((prior > 0).any()):
        state = f"shape {tuple(prior.shape)} and sum {prior.sum().item():g}"
        raise ValueError(
            f"prior must be [{AB_BINS}] with sum > 0, got {state}; pass ab_histogram of the training pictures"
        )
    share = prior.to(true) / prior.sum().to(true)
    weights = (1 / share.clamp(min=share[share > 0].min()))[_ab_bin(true)]
    return (weights * _area(_ab_distance(predicted, true))).sum((1, 2)), weights.sum((1, 2))


def ab_histogram(rgb: Tensor) -> Tensor:
    """Pixels in each 10 x 10 cell of the ab plane: [N, 3, H, W] -> int64 [529], a-major, centres from -110 to 110."""
    return _ab_bin(rgb).flatten().bincount(minlength=AB_BINS)


def smoothed(histogram: Tensor, sigma: float = 5.0) -> Tensor:
    """`ab_histogram` as shares under a Gaussian of `sigma` ab units (Zhang, Isola, Efros 2016): [529] -> [529]."""
    cell = AB_STEP * torch.arange(AB_SIDE, dtype=torch.float64)
    kernel = torch.exp(-0.5 * ((cell[:, None] - cell) / sigma) ** 2)
    spread = kernel @ histogram.double().view(AB_SIDE, AB_SIDE) @ kernel
    return (spread / spread.sum()).flatten()


def _checked(predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    # Without this check [1, 3, H, W] broadcasts against [N, 3, H, W] and gives a wrong number.
    if predicted.shape != true.shape or true.ndim != 4 or true.shape[1] != 3:
        shapes = f"{tuple(predicted.shape)} and {tuple(true.shape)}"
        raise ValueError(f"predicted and true must both be [N, 3, H, W], got {shapes}; pass pictures of one shape")
    return precise(predicted), precise(true)


def _gaussian_mean(x: Tensor) -> Tensor:
    """Mean under an 11x11 Gaussian of sigma 1.5, windows inside the picture: [N, 3, H, W] -> [N, 3, H-10, W-10]."""
    kernel = [math.exp(-(offset**2) / (2 * 1.5**2)) for offset in range(-5, 6)]
    # Shifted sums are 15 times as fast as conv2d, which has no fast float64 kernel on a CPU.
    for dim in (2, 3):
        size = x.shape[dim] - 10
        total = torch.zeros_like(x.narrow(dim, 0, size))
        for start, weight in enumerate(kernel):
            total.add_(x.narrow(dim, start, size), alpha=weight / sum(kernel))
        x = total
    return x


def _ab_distance(predicted: Tensor, true: Tensor) -> Tensor:
    """Distance in the ab plane: 2 x [N, 3, H, W] -> [N, H, W]."""
    a, b = (rgb_to_lab(predicted) - rgb_to_lab(true))[:, 1:].unbind(1)
    return torch.hypot(a, b)


def _area(error: Tensor) -> Tensor:
    """A pixel's share of the AuC: [N, H, W] -> [N, H, W] in [0, 1].

    Its curve steps from 0 to 1 at j = ceil(error), with area 150 - j + 1/2, or 150 if j = 0.
    """
    step = error.ceil()
    area = torch.where(step > 0, MAX_AB_ERROR + 0.5 - step, float(MAX_AB_ERROR))
    return area.clamp(min=0) / MAX_AB_ERROR


def _ab_bin(rgb: Tensor) -> Tensor:
    """Nearest grid point: [N, 3, H, W] -> [N, H, W] int64 in 0 ... 528."""
    half = AB_SIDE // 2
    a, b = ((rgb_to_lab(precise(rgb))[:, 1:] / AB_STEP).round().long().clamp(-half, half) + half).unbind(1)
    return a * AB_SIDE + b
