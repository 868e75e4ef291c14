"""Pictures as files for the page. H height, W width."""

import io

from PIL import Image

from colourize.inference.space import Levels

QUALITY = 92


def jpeg(pixels: Levels) -> bytes:
    """A JPEG file of uint8 [H, W, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def png(pixels: Levels) -> bytes:
    """A PNG file of uint8 [H, W, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
