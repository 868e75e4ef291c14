"""Receptive fields of a network's outputs: exact, with borders, and by the formula for chains of layers."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from torch import nn

from colourize.course.arithmetic.walk import walk
from colourize.course.arithmetic.ways import extents
from colourize.course.arithmetic.windows import Border, Extent, border, chain
from colourize.errors import InputError


def closed_form(network: nn.Module, shape: tuple[int, int, int]) -> tuple[Extent, Extent] | None:
    """The fields of rows and columns for a picture [C, H, W], by the formula for chains (``windows.chain``).

    None for a network that is not a chain of convolutions and poolings.
    """
    _, seen = walk(network, shape)
    if not seen.chain or any(window.kind != "convolution" for axes in seen.chain for window in axes):
        return None
    return chain([rows for rows, _ in seen.chain]), chain([columns for _, columns in seen.chain])


@dataclass(frozen=True)
class Field:
    """The exact receptive fields of all outputs of a network on a picture with borders."""

    ways: tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], ...]  # [H', H] and [W', W] of each way
    strides: tuple[Fraction, Fraction]  # pixels from one output to the next, down and across

    @property
    def shape(self) -> tuple[int, int]:
        """Height H' and width W' of the output."""
        rows, columns = self.ways[0]
        return len(rows), len(columns)

    def mask(self, row: int, column: int) -> NDArray[np.bool_]:
        """Pixels that the output at (row, column) depends on: [H, W]."""
        masks = [np.outer(rows[row], columns[column]) for rows, columns in self.ways]
        return np.logical_or.reduce(masks)


def field(network: nn.Module, shape: tuple[int, int, int]) -> Field:
    """Fields of a network's outputs on a picture [C, H, W].

    Raises:
        InputError: an operation of the network has no known receptive field.
    """
    _, seen = walk(network, shape, border)
    far = extents(walk(network, shape)[1].ways)
    if seen.ways is None or far is None:
        raise InputError(
            f"{type(network).__name__} has an operation with an unknown receptive field; use layers of torch.nn"
        )
    pairs = [(rows, columns) for rows, columns in seen.ways if isinstance(rows, Border) and isinstance(columns, Border)]
    strides = far[0].stride, far[1].stride
    return Field(tuple((rows.seen, columns.seen) for rows, columns in pairs), strides)
