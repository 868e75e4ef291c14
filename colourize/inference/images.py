"""Colours pictures in memory, of every type that ``Model.colourize`` takes. H height, W width."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from colourize import files
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference import colouring, decoded, opening, saving, space
from colourize.inference.colouring import Choices
from colourize.inference.opening import Photograph
from colourize.inference.space import Levels
from colourize.inference.torch_predictor import TorchPredictor

if TYPE_CHECKING:
    from colourize.model import Model

KINDS = "a PIL image, a path, an array, a tensor or a list of these"
WINDOW, MOST = 16_000_000, 64  # pixels, and pictures, that are held at once for batches


def colourized(model: "Model", picture: Any, decoding: str, choices: Mapping[str, Any]) -> Any:
    """Colours a picture of any type, or each of a list; see ``Model.colourize``."""
    predictor = TorchPredictor(model)
    try:
        chosen = Choices(decoding=decoded.parsed(decoding), **choices)
    except TypeError as error:
        raise InputError(f"{str(error).rpartition(') ')[2]}; pass {', '.join(Choices.__annotations__)}") from error
    if chosen.samples != 1:
        raise InputError('colourize gives one picture; pass decoding="sample:1", then "sample:2" and so on')
    if isinstance(picture, list | tuple):
        return type(picture)(_each(predictor, (_prepared(each) for each in picture), chosen))
    if len(getattr(picture, "shape", ())) == 4 and not isinstance(picture, np.ndarray):
        import torch

        return torch.stack(list(_each(predictor, (_prepared(each) for each in picture), chosen)))
    return next(_each(predictor, iter([_prepared(picture)]), chosen))


class _Prepared(NamedTuple):
    """A picture's ``grey`` levels [H, W], whether the result has 16 bits, and the function that converts it back."""

    grey: Levels
    wide: bool
    finish: Callable[[Levels], Any]


def _each(predictor: TorchPredictor, pictures: Iterator[_Prepared], choices: Choices) -> Iterator[Any]:
    """Colours pictures; small ones are coloured together."""
    for window in _windows(pictures):
        chosen = [replace(choices, wide=each.wide) for each in window]
        results = colouring.all_coloured(predictor, [each.grey for each in window], chosen)
        for each, result in zip(window, results, strict=True):
            yield each.finish(result.pictures[0])


def _windows(pictures: Iterator[_Prepared]) -> Iterator[list[_Prepared]]:
    window: list[_Prepared] = []
    pixels = 0
    for picture in pictures:
        if window and (pixels + picture.grey.size > WINDOW or len(window) == MOST):
            yield window
            window, pixels = [], 0
        window.append(picture)
        pixels += picture.grey.size
    if window:
        yield window


def _prepared(picture: Any) -> _Prepared:
    if isinstance(picture, str | os.PathLike):
        path = files.expanded(os.fspath(picture))
        try:
            return _image(opening.photograph(path))
        except UnreadablePicture as error:
            raise InputError(f"{path}: {error}; pass another picture") from error
    if isinstance(picture, Image.Image):
        try:
            return _image(opening.of_image(picture))
        except UnreadablePicture as error:
            raise InputError(f"the picture cannot be read: {error}; pass another one") from error
    if isinstance(picture, np.ndarray):
        return _array(picture)
    import torch

    if isinstance(picture, torch.Tensor):
        return _tensor(picture)
    raise InputError(f"a picture must be {KINDS}, got {type(picture).__name__}")


def _image(photograph: Photograph) -> _Prepared:
    """The first frame with 8 bits a channel, since PIL has no wider RGB."""
    frame = photograph.frames[0]
    return _Prepared(frame.grey, False, lambda colours: saving.image(saving.Picture(colours, frame.alpha)))


def _array(array: np.ndarray) -> _Prepared:
    """[H, W], [H, W, 1], [H, W, 3] or [H, W, 4] -> [H, W, 3] or [H, W, 4] of the same type."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or 0 in array.shape:
        raise InputError(f"an array must be [H, W], [H, W, 3] or [H, W, 4], got {list(array.shape)}")
    levels = _levels(array)
    colour = levels[..., :3] if levels.ndim == 3 and levels.shape[2] >= 3 else np.repeat(_plane(levels), 3, axis=2)
    alpha, dtype = levels[..., 3:] if levels.ndim == 3 and levels.shape[2] == 4 else None, array.dtype

    def finish(result: Levels) -> np.ndarray:
        whole = result if alpha is None else np.concatenate([result, alpha], -1)
        return (whole / 65535).astype(dtype) if dtype.kind == "f" else whole

    return _Prepared(space.grey_levels(colour), dtype != np.uint8, finish)


def _plane(levels: np.ndarray) -> np.ndarray:
    return levels if levels.ndim == 3 else levels[..., None]


def _levels(array: np.ndarray) -> np.ndarray:
    """uint8 and uint16 unchanged; floats in [0, 1] as uint16.

    Raises:
        InputError: another type, or floats outside [0, 1].
    """
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype.kind != "f":
        raise InputError(f"an array must be uint8, uint16 or floats in [0, 1], got {array.dtype}")
    if not (array.min() >= 0 and array.max() <= 1):
        raise InputError(
            f"floats must be in [0, 1], got [{array.min():g}, {array.max():g}]; divide 8-bit values by 255"
        )
    return np.rint(array.astype(np.float64) * 65535).astype(np.uint16)


def _tensor(tensor: Any) -> _Prepared:
    """[H, W], [1, H, W] or [3, H, W] -> [3, H, W] of the same type, on the same device."""
    import torch

    if tensor.ndim == 2:
        tensor = tensor[None]
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3):
        raise InputError(f"a tensor must be [1, H, W] or [3, H, W], got {list(tensor.shape)}")
    array = tensor.detach().cpu().movedim(0, -1)
    array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    prepared = _array(array)

    def finish(result: Levels) -> Any:
        return torch.from_numpy(prepared.finish(result)).movedim(-1, 0).to(tensor.device, tensor.dtype)

    return prepared._replace(finish=finish)
