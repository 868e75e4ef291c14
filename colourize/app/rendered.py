"""The pictures of a photograph that the page shows: grey, in colour, its uncertainty, samples side by side."""

from dataclasses import replace

import numpy as np

from colourize.app import encoded
from colourize.app import held as holding
from colourize.app.desk import SHOWN, Desk
from colourize.app.held import Held
from colourize.app.steering import SAMPLES, Steering
from colourize.errors import InputError
from colourize.inference import colouring, uncertainty
from colourize.inference.space import Levels
from colourize.inference.working import resized

THUMB = 420  # pixels: longer side of samples side by side
COLOUR, GREY, UNSURE = "colour", "grey", "unsure"
SAMPLE_NAMES = [f"sample{number}" for number in range(SAMPLES)]


def picture(desk: Desk, name: str, of: str = "") -> tuple[bytes, str]:
    """A picture of a photograph, and its media type. Rendered pictures are kept.

    Args:
        desk: of the visitor.
        name: ``COLOUR``, ``GREY``, ``UNSURE``, or one of ``SAMPLE_NAMES``.
        of: number of the photograph; "" for the one that is shown.

    Raises:
        InputError: no photograph, an unknown name; or as ``colouring.coloured``.
    """
    with desk.lock:
        number = of or desk.current
        content: bytes | None = desk.kept.get(SHOWN, number, name)
        if content is None:
            content = _rendered(desk, name, desk.needed(number))
            desk.kept.put(SHOWN, number, name, value=content, size=len(content))
        return content, "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"


def colour(desk: Desk) -> None:
    """Colours the photograph that is shown, so that ``picture`` finds it."""
    with desk.lock:
        if desk.held is not None:
            picture(desk, COLOUR)


def _rendered(desk: Desk, name: str, held: Held) -> bytes:
    if name == COLOUR:
        return encoded.jpeg(_coloured(desk, held, held.grey, desk.steering).pictures[0])
    if name == GREY:
        return encoded.jpeg(np.repeat(held.grey[..., None], 3, axis=2))
    if name == UNSURE:
        return encoded.png(_unsure(desk, held))
    if name in SAMPLE_NAMES:
        return _sample(desk, held, SAMPLE_NAMES.index(name))
    raise InputError(f"the page has no picture {name[:40]!r}; reload it")


def _coloured(desk: Desk, held: Held, grey: Levels, steering: Steering, unsure: bool = False) -> colouring.Coloured:
    predictor = desk.predictor()
    view = held.view(predictor.card, steering.size, desk.max_pixels, desk.budget, desk.kept)
    choices = steering.choices(held.hints, desk.palette(), unsure)
    return colouring.of_view(predictor, view, grey, choices, holding.key(held.path))


def _sample(desk: Desk, held: Held, number: int) -> bytes:
    scale = min(1.0, THUMB / max(held.grey.shape))
    height, width = (max(1, round(side * scale)) for side in held.grey.shape)
    small = np.rint(resized(held.grey, height, width) * 255).astype(np.uint8)
    steering = replace(desk.steering, decoding="sample", seed=desk.steering.first + number)
    return encoded.jpeg(_coloured(desk, held, small, steering).pictures[0])


def _unsure(desk: Desk, held: Held) -> Levels:
    entropy = _coloured(desk, held, held.grey[:1, :1], desk.steering, True).entropy
    assert entropy is not None
    return uncertainty.picture(entropy, *held.grey.shape)
