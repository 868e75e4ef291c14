"""A complete colourizer without trainer and configuration: network, palette and colour space.

N images, H height, W width, K colours, C channels of the palette.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.colour.decoding import Decoding, parsed
from colourize.colour.hints import CHANNELS
from colourize.colour.spaces import SPACES, Space
from colourize.colour.usual import DECODING
from colourize.errors import InputError


class About(NamedTuple):
    """Facts about a model from its file: its name, the shorter side in pixels of its training pictures, and the
    temperature that calibrates its logits (logits / temperature)."""

    name: str = "network"
    size: int = 128
    temperature: float = 1.0


class Model(nn.Module):
    """Colours for grey pictures. ``colourize.load`` gives the model of a checkpoint.

    A grey picture is float32 [N, 1, H, W] in [0, 255/256]: the ``model.space.lightness`` of RGB pictures. A
    network trained with hints takes [N, 5, H, W], too (``colour.hints``).

    A network has a stride S, 1 unless its attribute ``stride`` says otherwise: it gives the scores of blocks of SxS
    pixels, h = H / S and w = W / S (rounded up). The colours of blocks are enlarged to the picture's size, bilinearly.

    Args:
        network: logits [N, K, h, w] of grey pictures.
        palette: float32 [K, C], in the range of the space.
        space: the colour space of the palette, or its name: rgb, lab or oklab.

    Raises:
        KeyError: a space of another name.
    """

    palette: Tensor
    about = About()

    def __init__(self, network: nn.Module, palette: Tensor, space: Space | str = "rgb") -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.register_buffer("palette", palette)
        self.space = SPACES[space] if isinstance(space, str) else space

    @property
    def multiple(self) -> int:
        """The network pads height and width to multiples of this, in pixels; 1 if it does not pad."""
        return int(getattr(self.network, "multiple", 1))

    @property
    def least(self) -> int:
        """The smallest height and width to which the network pads, in pixels; a multiple of ``multiple``."""
        return int(getattr(self.network, "least", self.multiple))

    @property
    def stride(self) -> int:
        """S: pixels from one score to the next."""
        stride = getattr(self.network, "stride", 1)
        return stride if isinstance(stride, int) else 1  # the attribute of a single convolution is a pair

    def forward(self, grey: Tensor) -> Tensor:
        """Logits, with gradients: [N, 1, H, W] -> [N, K, h, w]."""
        return self.network(grey)

    @torch.no_grad()
    def probabilities(self, grey: Tensor) -> Tensor:
        """Probability of each colour at each pixel or block: [N, 1, H, W] -> float32 [N, K, h, w].

        Raises:
            InputError: as ``predict``.
        """
        return self(self._checked(grey)).float().softmax(1)

    @torch.no_grad()
    def predict(self, grey: Tensor, decoding: Decoding | str = "argmax") -> Tensor:
        """Colours for grey pictures.

        Args:
            grey: [N, 1, H, W] in [0, 255/256]; another float type is converted to the model's.
            decoding: from probabilities to colours: argmax, mean, annealed:T, sample or sample:SEED, each with or
                without +grey (``colour.decoding``).

        Returns:
            [N, 3, H, W] in [0, 255/256]; ``colour.rgb.eight_bit`` gives their 8-bit values.

        Raises:
            InputError: an unknown decoding; or something else than a float tensor of these dimensions, without a pixel,
                or with values below 0, above 1 or NaN.
        """
        grey = self._checked(grey)
        decode = parsed(decoding) if isinstance(decoding, str) else decoding
        height, width = grey.shape[-2:]
        below, right = -height % self.stride, -width % self.stride
        whole = F.pad(grey, (0, right, 0, below), mode="replicate") if below or right else grey
        decoded = decode(self(whole).float(), whole[:, :1], self.palette, self.space).colours
        return decoded[..., :height, :width]

    def _checked(self, grey: Any) -> Tensor:
        """Grey pictures in the model's type; raises InputError as ``predict``."""
        channels = (1, 1 + CHANNELS) if getattr(self.network, "hints", False) else (1,)
        if not (isinstance(grey, Tensor) and grey.ndim == 4 and grey.is_floating_point() and grey.shape[1] in channels):
            found = f"{grey.dtype} {list(grey.shape)}" if isinstance(grey, Tensor) else type(grey).__name__
            raise InputError(
                f"grey must be a float tensor [N, {' or '.join(map(str, channels))}, H, W], got {found}; "
                "model.colourize takes pictures"
            )
        if not grey.numel():
            raise InputError(f"grey must have a pixel, got {list(grey.shape)}; leave empty pictures out")
        least, most = (float(end) for end in torch.aminmax(grey[:, :1]))
        if not 0 <= least <= most <= 1:
            raise InputError(
                f"grey must be in [0, 255/256], got {least:g} to {most:g}; model.space.lightness gives it of pictures"
            )
        return grey.to(self.palette.dtype)

    def colourize(self, picture: Any, decoding: str = DECODING, **choices: Any) -> Any:
        """Colours a picture of any size and type and keeps its luminance. A list goes through the network in batches.

        Args:
            picture: a PIL image, a path, an array or tensor [H, W], [H, W, 3] or [H, W, 4] (uint8, uint16, or floats in
                [0, 1]; tensors [1, H, W] or [3, H, W]), or a list of these.
            decoding: argmax, mean, annealed:T, sample or sample:SEED.
            choices: ``size``, ``saturation``, ``hints`` and the others of ``inference.colouring.Choices``.

        Returns:
            The same type of picture, in colour; for a path a PIL image.

        Raises:
            InputError: a picture that cannot be read, or a choice out of its range.

        >>> import colourize, numpy
        >>> model = colourize.load()
        >>> grey = numpy.tile(numpy.arange(0, 255, 4, dtype=numpy.uint8), (48, 1))
        >>> model.colourize(grey).shape
        (48, 64, 3)
        >>> [each.dtype.name for each in model.colourize([grey, grey / 255])]
        ['uint8', 'float64']
        >>> from PIL import Image
        >>> model.colourize(Image.fromarray(grey), "sample:1", saturation=1.2).size
        (64, 48)
        """
        from colourize.inference.images import colourized  # the only import from a higher layer, see architecture.md

        return colourized(self, picture, decoding, choices)
