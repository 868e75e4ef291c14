"""How colourful a picture is. N pictures, H height, W width."""

import torch
from torch import Tensor

from colourize.colour.lab import precise


def colourfulness(rgb: Tensor) -> Tensor:
    """Colourfulness (Hasler, Suesstrunk 2003): [N, 3, H, W] -> [N]; 0 for grey, 15 slightly, 59 quite, 109 extremely.

    sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2) on the scale 0-255, with rg = R - G and
    yb = (R + G) / 2 - B, both signed (a widespread implementation uses |rg| and |yb|). Higher is not better: report
    the difference from the true pictures.
    """
    r, g, b = (255 * precise(rgb)).flatten(2).unbind(1)
    opponent = torch.stack([r - g, (r + g) / 2 - b])
    spread = opponent.var(-1, correction=0).sum(0).sqrt()
    return spread + 0.3 * opponent.mean(-1).square().sum(0).sqrt()
