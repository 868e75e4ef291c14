"""Colour spaces: sRGB, linear RGB, CIELAB, OKLab, and the CIEDE2000 colour difference.

N images, H height, W width. Every function takes [..., 3, H, W], such as [N, 3, H, W] or one picture [3, H, W],
computes in float64 if the device supports it, and returns the dtype of its argument. sRGB and linear RGB are in [0, 1].
"""

import torch
from torch import Tensor

from colourize.colour import constants

_XYZ_OF_RGB = torch.tensor(constants.XYZ_OF_RGB, dtype=torch.float64)
_WHITE = torch.tensor(constants.WHITE, dtype=torch.float64)
_THRESHOLD, _SLOPE = constants.THRESHOLD, constants.SLOPE
_LMS_OF_RGB = torch.tensor(constants.LMS_OF_RGB, dtype=torch.float64)
_OKLAB_OF_LMS = torch.tensor(constants.OKLAB_OF_LMS, dtype=torch.float64)


def precise(x: Tensor) -> Tensor:
    """[...] in float64, or in float32 on Apple's MPS, which has no float64."""
    return x.float() if x.device.type == "mps" else x.double()


def srgb_to_linear(rgb: Tensor) -> Tensor:
    """sRGB -> linear RGB (IEC 61966-2-1): [...] -> [...].

    c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055)^2.4.
    """
    c = precise(rgb)
    # For c < 0 the clamp prevents NaN in the unused branch of `where`, and in its gradient.
    curve = ((c.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(c <= 0.04045, c / 12.92, curve).to(rgb.dtype)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Linear RGB -> sRGB (IEC 61966-2-1): [...] -> [...].

    12.92 c if c <= 0.0031308 else 1.055 c^(1/2.4) - 0.055.
    """
    c = precise(linear)
    curve = 1.055 * c.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(c <= 0.0031308, 12.92 * c, curve).to(linear.dtype)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB -> CIELAB (CIE 1976; D65, 2 degree): L in [0, 100], a in [-87, 99], b in [-108, 95].

    With XYZ relative to the white: f(t) = t^(1/3) if t > 0.008856 else 7.787 t + 16/116;
    L = 116 f(Y) - 16, a = 500 (f(X) - f(Y)), b = 200 (f(Y) - f(Z)).
    """
    return linear_to_lab(srgb_to_linear(precise(rgb))).to(rgb.dtype)


def linear_to_lab(linear: Tensor) -> Tensor:
    """Linear RGB -> CIELAB, in the precision of the argument: [..., 3, H, W] -> [..., 3, H, W]."""
    xyz = _mix(_XYZ_OF_RGB, linear)
    xyz = xyz / _WHITE.to(xyz)[:, None, None]
    f = torch.where(xyz > _THRESHOLD, xyz.clamp(min=_THRESHOLD) ** (1 / 3), _SLOPE * xyz + 16 / 116)
    x, y, z = f.unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def luminance_of_lightness(lightness: Tensor) -> Tensor:
    """CIELAB's L in [0, 100] -> luminance Y in [0, 1], as in ``lab_to_rgb``: [...] -> [...]."""
    f = (lightness + 16) / 116
    return torch.where(f > _THRESHOLD ** (1 / 3), f**3, (f - 16 / 116) / _SLOPE)


def lab_to_rgb(lab: Tensor, clamp: bool = True) -> Tensor:
    """CIELAB -> sRGB, the inverse of `rgb_to_lab`: [..., 3, H, W] -> [..., 3, H, W].

    Colours outside the gamut are clamped to [0, 1] per channel; with ``clamp=False`` they stay outside.
    """
    lightness, a, b = precise(lab).unbind(-3)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], -3)
    xyz = torch.where(f > _THRESHOLD ** (1 / 3), f**3, (f - 16 / 116) / _SLOPE) * _WHITE.to(f)[:, None, None]
    rgb = linear_to_srgb(_mix(torch.linalg.inv(_XYZ_OF_RGB), xyz))
    return (rgb.clamp(0, 1) if clamp else rgb).to(lab.dtype)


def rgb_to_oklab(rgb: Tensor) -> Tensor:
    """sRGB -> OKLab (Ottosson 2020): L in [0, 1], a in [-0.24, 0.28], b in [-0.32, 0.20].

    Linear RGB -> cone responses LMS -> cube roots -> Lab, by the two matrices above.
    """
    return linear_to_oklab(srgb_to_linear(precise(rgb))).to(rgb.dtype)


def linear_to_oklab(linear: Tensor) -> Tensor:
    """Linear RGB -> OKLab, in the precision of the argument: [..., 3, H, W] -> [..., 3, H, W]."""
    lms = _mix(_LMS_OF_RGB, linear)
    return _mix(_OKLAB_OF_LMS, lms.sign() * lms.abs() ** (1 / 3))


def oklab_to_rgb(oklab: Tensor, clamp: bool = True) -> Tensor:
    """OKLab -> sRGB, the inverse of `rgb_to_oklab`, clamped as in `lab_to_rgb`: [..., 3, H, W] -> [..., 3, H, W]."""
    lms = _mix(torch.linalg.inv(_OKLAB_OF_LMS), precise(oklab)) ** 3
    rgb = linear_to_srgb(_mix(torch.linalg.inv(_LMS_OF_RGB), lms))
    return (rgb.clamp(0, 1) if clamp else rgb).to(oklab.dtype)


def delta_e_2000(first: Tensor, second: Tensor) -> Tensor:
    """CIEDE2000 difference of CIELAB colours with kL = kC = kH = 1: 2 x [..., 3, H, W] -> [..., H, W].

    0 means equal, about 1 just noticeable. Sharma, Wu, Dalal 2005, equations 2-22, with the symbols of that paper.
    """
    (l1, a1, b1), (l2, a2, b2) = precise(first).unbind(-3), precise(second).unbind(-3)
    g = 0.5 * (1 - _chroma_weight((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2))
    c1, h1 = _polar((1 + g) * a1, b1)
    c2, h2 = _polar((1 + g) * a2, b2)

    # Hue differences and means use the shorter arc. At chroma 0 the hue is arbitrary, but dH is 0.
    dh = h2 - h1
    far = dh.abs() > 180
    dh = torch.where(far, dh - 360 * dh.sign(), dh)
    mean_h = (h1 + h2) / 2
    mean_h = torch.where(far, torch.where(mean_h < 180, mean_h + 180, mean_h - 180), mean_h)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2

    t = 1 - 0.17 * _cos(mean_h - 30) + 0.24 * _cos(2 * mean_h)
    t = t + 0.32 * _cos(3 * mean_h + 6) - 0.20 * _cos(4 * mean_h - 63)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / (20 + (mean_l - 50) ** 2).sqrt()
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    d_l, d_c = (l2 - l1) / s_l, (c2 - c1) / s_c
    d_h = 2 * (c1 * c2).sqrt() * torch.sin(torch.deg2rad(dh / 2)) / s_h
    rotation = -2 * _chroma_weight(mean_c) * torch.sin(torch.deg2rad(60 * torch.exp(-(((mean_h - 275) / 25) ** 2))))
    # Rounding can make the quadratic form slightly negative for equal colours.
    return (d_l**2 + d_c**2 + d_h**2 + rotation * d_c * d_h).clamp(min=0).sqrt().to(first.dtype)


def _chroma_weight(chroma: Tensor) -> Tensor:
    """sqrt(C^7 / (C^7 + 25^7)), 0 for greys and near 1 for strong colours: [...] -> [...]."""
    return (chroma**7 / (chroma**7 + 25**7)).sqrt()


def _polar(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Chroma and hue in degrees, 0 <= hue < 360: [...], [...] -> [...], [...]."""
    return torch.hypot(a, b), torch.rad2deg(torch.atan2(b, a)) % 360


def _cos(degrees: Tensor) -> Tensor:
    return torch.cos(torch.deg2rad(degrees))


def _mix(matrix: Tensor, channels: Tensor) -> Tensor:
    """Applies a [3, 3] matrix to the channels: [..., 3, H, W] -> [..., 3, H, W]."""
    return torch.einsum("ij,...jhw->...ihw", matrix.to(channels), channels)
