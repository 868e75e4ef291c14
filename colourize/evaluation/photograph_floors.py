"""Floors for photographs of any size: sepia, P(colour | grey level), P(colour | grey level, place).

K colours, C channels of the palette, L grey levels, G places, B bands of grey levels.
"""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from colourize import files
from colourize.data.cache import cached, digest
from colourize.data.labelled import Labelled
from colourize.models.lookup import LEVELS, ClassPrior, LookupTable
from colourize.models.place_table import BANDS, GRID, PlaceTable

VERSION = 1  # part of an entry's name: raise it when the same pictures would give other floors
SEPIA, TABLE, PLACE = "sepia", "P(colour | grey)", "P(colour | grey, place)"


class Floors(NamedTuple):
    """Predictors fitted to the training pictures of a network.

    Attributes:
        sepia: the mean chroma of the training pictures, [C], for every pixel.
        table: P(colour | grey level).
        place: P(colour | grey level, place).
    """

    sepia: Tensor
    table: LookupTable
    place: PlaceTable


def fitted(pictures: Labelled, cache_dir: str | Path) -> Floors:
    """The floors of the training split; from the cache, if they are there.

    Args:
        pictures: with labels at the network's stride.
        cache_dir: folder of the cache.
    """
    num_colours, stride = len(pictures.palette), pictures.pictures.train.shape[1] // pictures.train.labels.shape[1]
    key = digest("floors of photographs", VERSION, pictures.fingerprint(), stride)
    found = cached(
        cache_dir,
        f"photograph-floors-{key}",
        ["-sepia.npy", "-table.npy", "-place.npy", "-weight.npy"],
        lambda: arrays(_fit(pictures)),
        lambda *values: _fits(num_colours, *values),
    )
    return of_arrays(*found)


def _fit(pictures: Labelled) -> Floors:
    train, palette = pictures.train, pictures.palette
    table, prior = LookupTable(len(palette)), ClassPrior(len(palette))
    place = PlaceTable(table)
    for each in (table, prior, place):
        each.fit(train.coarse, train.labels)
    return Floors(prior.scores.exp() @ palette, table, place)


def arrays(floors: Floors) -> list[np.ndarray]:
    """The floors as arrays: sepia [C], table [L, K], counts of places [G, B, K], their weight []."""
    tensors = floors.sepia, floors.table.scores, floors.place.counts, floors.place.weight
    return [tensor.numpy() for tensor in tensors]


def of_arrays(sepia: np.ndarray, table: np.ndarray, counts: np.ndarray, weight: np.ndarray) -> Floors:
    """The floors of ``arrays``."""
    lookup = LookupTable(table.shape[1])
    lookup.scores.copy_(torch.from_numpy(table))
    place = PlaceTable(lookup)
    place.counts.copy_(torch.from_numpy(counts))
    place.weight.fill_(float(weight))
    return Floors(torch.from_numpy(sepia), lookup, place)


def _fits(num_colours: int, sepia: np.ndarray, table: np.ndarray, counts: np.ndarray, weight: np.ndarray) -> bool:
    shapes = (LEVELS, num_colours), (GRID**2, BANDS, num_colours), ()
    return sepia.ndim == 1 and (table.shape, counts.shape, weight.shape) == shapes


def write(path: Path, floors: Floors, palette: Tensor) -> None:
    """Writes the floors of a palette, [K, C], as one compressed file, some hundred kB."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, *arrays(floors), palette=palette.numpy())
    files.replace(path, lambda file: file.write(buffer.getbuffer()))


def read(path: Path, palette: Tensor) -> Floors | None:
    """The floors from a file that ``write`` made; None if there is no such file, or it is for another palette."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as found:
        if not np.array_equal(found["palette"], palette.numpy()):
            return None
        return of_arrays(*(found[f"arr_{number}"] for number in range(4)))
