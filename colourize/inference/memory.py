"""Limits memory and cores: estimates the memory of a picture, and keeps all pictures in work below a limit."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from colourize.errors import InputError

PER_PIXEL = 16  # bytes: RGBA as read, grey, colours and the written file; measured in docs/photographs.md
PER_WIDE_PIXEL = 40  # with 16 bits a channel
PER_SAMPLE, PER_WIDE_SAMPLE = 6, 12  # bytes of each further sample: colours and the written file, of at most their size
NETWORK = 500_000_000  # bytes of libraries and weights; the libraries' files, which the system may drop, not counted
PER_SEEN, PER_WORKING = 1000, 150  # bytes of each working pixel: of those that the network sees at once, and of all
PER_ENCODED = {"WEBP": 8, "AVIF": 18}  # bytes of each pixel that these encoders take beyond PER_PIXEL
_UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def parsed(text: str) -> int:
    """Bytes of a size such as 2G, 800M or 1500000000; InputError for any other text."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if not found or not (size := int(float(found[1]) * _UNITS[found[2].upper()])):
        raise InputError(f"--max-memory must be a size such as 2G or 800M, got {text!r}")
    return size


def of_network(area: int, tile: int | None = None) -> int:
    """Bytes that the shipped network takes for a picture of ``area`` working pixels, with tiles or in one piece."""
    return PER_SEEN * (area if tile is None else min(area, tile**2)) + PER_WORKING * area


def shown(size: int) -> str:
    """A size as --max-memory takes it: 1.5G, 800M."""
    unit = max((unit for unit in _UNITS if size >= _UNITS[unit]), key=_UNITS.__getitem__, default="")
    return f"{size / _UNITS[unit]:.4g}{unit}"


class Budget:
    """Lets threads work on pictures while all pictures together stay below a limit in bytes.

    Args:
        limit: in bytes.
        at_once: number of pictures that compute at a time; others may wait for the disk meanwhile. None: no limit.
    """

    def __init__(self, limit: int, at_once: int | None = None) -> None:
        self.limit = limit
        self._places = None if at_once is None else threading.Semaphore(at_once)
        self._stopped = False
        self._room = limit - NETWORK
        self._changed = threading.Condition()

    def check(self, pixels: int, wide: bool = False, samples: int = 1, further: int = 0) -> int:
        """Bytes that a picture of ``pixels`` pixels and ``samples`` samples takes, plus ``further`` bytes.

        Raises:
            InputError: more than the limit.
        """
        sample = PER_WIDE_SAMPLE if wide else PER_SAMPLE
        size = pixels * ((PER_WIDE_PIXEL if wide else PER_PIXEL) + (samples - 1) * sample) + further
        if NETWORK + size > self.limit:
            raise InputError(
                f"{pixels:,} pixels take about {shown(NETWORK + size)}B, more than --max-memory {shown(self.limit)}; "
                "pass a larger one, or a smaller picture or --size"
            )
        return size

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Waits until ``size`` bytes are free, and reserves them."""
        with self._changed:
            self._changed.wait_for(lambda: self._room >= size)
            self._room -= size
        try:
            yield
        finally:
            with self._changed:
                self._room += size
                self._changed.notify_all()

    @contextmanager
    def place(self) -> Iterator[Callable[[], None]]:
        """Waits for one of the ``at_once`` places; the function that it gives returns the place early.

        Raises:
            InputError: ``stop`` was called.
        """
        if self._places is None:
            yield lambda: None
            return
        self._places.acquire()
        with ExitStack() as leaving:
            leaving.callback(self._places.release)
            if self._stopped:
                raise InputError("stopped before it began; the same command continues")
            yield leaving.close

    def stop(self) -> None:
        """From now on no picture gets a place."""
        self._stopped = True
