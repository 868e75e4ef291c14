"""Pictures of every kind in memory, coloured: what ``Model.colourize`` takes and gives. H height, W width."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from colourize import files
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference import colouring, decoded, opening, saving, space
from colourize.inference.colouring import Choices
from colourize.inference.opening import Photograph
from colourize.inference.torch_predictor import TorchPredictor

if TYPE_CHECKING:
    from colourize.model import Model

KINDS = "a PIL image, a path, an array, a tensor or a list of these"


def colourized(model: "Model", picture: Any, decoding: str, choices: Mapping[str, Any]) -> Any:
    """Colours a picture of any kind, or each of a list; see ``Model.colourize``."""
    predictor = TorchPredictor(model)
    try:
        chosen = Choices(decoding=decoded.parsed(decoding), **choices)
    except TypeError as error:
        raise InputError(f"{str(error).rpartition(') ')[2]}; pass {', '.join(Choices.__annotations__)}") from error
    if chosen.samples != 1:
        raise InputError('colourize gives one picture; pass decoding="sample:1", then "sample:2" and so on')
    if isinstance(picture, list | tuple):
        return type(picture)(_one(predictor, each, chosen) for each in picture)
    return _one(predictor, picture, chosen)


def _one(predictor: TorchPredictor, picture: Any, choices: Choices) -> Any:
    if isinstance(picture, str | os.PathLike):
        path = files.expanded(os.fspath(picture))
        try:
            return _image(predictor, opening.photograph(path), choices)
        except UnreadablePicture as error:
            raise InputError(f"{path}: {error}; pass another picture") from error
    if isinstance(picture, Image.Image):
        try:
            return _image(predictor, opening.of_image(picture), choices)
        except UnreadablePicture as error:
            raise InputError(f"the picture cannot be read: {error}; pass another one") from error
    if isinstance(picture, np.ndarray):
        return _array(predictor, picture, choices)
    import torch

    if isinstance(picture, torch.Tensor):
        return _tensor(predictor, picture, choices)
    raise InputError(f"a picture must be {KINDS}, got {type(picture).__name__}")


def _image(predictor: TorchPredictor, photograph: Photograph, choices: Choices) -> Image.Image:
    """The first frame, 8 bits a channel, which is all that PIL holds."""
    frame = photograph.frames[0]
    colours = colouring.coloured(predictor, frame.grey, choices).pictures[0]
    return saving.image(saving.Picture(colours, frame.alpha))


def _array(predictor: TorchPredictor, array: np.ndarray, choices: Choices) -> np.ndarray:
    """[H, W], [H, W, 1], [H, W, 3] or [H, W, 4] -> [H, W, 3] or [H, W, 4] of the same type."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or 0 in array.shape:
        raise InputError(f"an array must be [H, W], [H, W, 3] or [H, W, 4], got {list(array.shape)}")
    levels = _levels(array)
    colour = levels[..., :3] if levels.ndim == 3 and levels.shape[2] >= 3 else np.repeat(_plane(levels), 3, axis=2)
    wide = array.dtype != np.uint8
    result = colouring.coloured(predictor, space.grey_levels(colour), _wide(choices, wide)).pictures[0]
    if levels.ndim == 3 and levels.shape[2] == 4:
        result = np.concatenate([result, levels[..., 3:]], -1)
    return (result / 65535).astype(array.dtype) if array.dtype.kind == "f" else result


def _plane(levels: np.ndarray) -> np.ndarray:
    return levels if levels.ndim == 3 else levels[..., None]


def _wide(choices: Choices, wide: bool) -> Choices:
    return Choices(**{**choices.__dict__, "wide": wide})


def _levels(array: np.ndarray) -> np.ndarray:
    """uint8 and uint16 as they are; floats in [0, 1] as uint16.

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


def _tensor(predictor: TorchPredictor, tensor: Any, choices: Choices) -> Any:
    """[1, H, W], [3, H, W] or [N, 1 or 3, H, W] -> [3, H, W] or [N, 3, H, W] of the same type, on the same device."""
    import torch

    if tensor.ndim == 4:
        return torch.stack([_tensor(predictor, each, choices) for each in tensor])
    if tensor.ndim == 2:
        tensor = tensor[None]
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3):
        raise InputError(f"a tensor must be [1, H, W] or [3, H, W], got {list(tensor.shape)}")
    array = tensor.detach().cpu().movedim(0, -1)
    array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    result = torch.from_numpy(_array(predictor, array, choices)).movedim(-1, 0)
    return result.to(tensor.device, tensor.dtype)
