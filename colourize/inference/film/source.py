"""Reads a film. H height, W width, both of the upright picture."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray
from typing_extensions import Buffer

from colourize.errors import InputError
from colourize.files import printable
from colourize.inference.film.container import read_frames, reading, stored, video
from colourize.inference.film.turned import IDENTITY, Turn, of_matrix, turned
from colourize.inference.film.whole import Packets, check_whole, counted

Picture = NDArray[np.uint8]
SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # matrix: H.273's number -> swscale's
BT709, BT601 = 1, 6
HDR = {16: "PQ", 18: "HLG"}  # transfer curves, H.273
HD = 720  # rows; where a film names no matrix, players assume BT.709 from here, BT.601 below
MOST_PIXELS = 139_264 * 256  # of a frame: H.264's largest, level 6.2 in its Table A-1 (macroblocks of 16 x 16)
UNTIMED = "avi"  # the format that stores decoding times, not display times
LIMITED, FULL = 1, 2  # FFmpeg's numbers of ranges
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INT


class Frame(NamedTuple):
    """A frame: its time and its duration (0 where unknown) in units of the film's time base; uint8 [H, W, 3]."""

    time: int
    duration: int
    picture: Picture


@dataclass(frozen=True)
class Film:
    """Facts from a film's header and packets.

    Attributes:
        path: of the file.
        width, height: of the upright picture, in pixels.
        turn: how the stored picture becomes upright.
        time_base: the unit of times, in seconds.
        rate: frames per second, on average.
        frames: their number, if every packet is one frame.
        start: time at which the film begins, in seconds; 0 where it begins earlier.
        matrix, transfer, primaries: of the colours, as H.273 numbers them; 2 is unknown.
        full: whether luma uses all levels 0 to 255; otherwise 16 to 235.
        aspect: width of a pixel divided by its height.
    """

    path: Path
    width: int
    height: int
    turn: Turn
    time_base: Fraction
    rate: Fraction
    frames: int
    start: Fraction
    matrix: int
    transfer: int
    primaries: int
    full: bool
    aspect: Fraction


def probed(path: Path) -> Film:
    """Reads the header, every packet, and the first frame.

    Raises:
        OSError: the file does not exist or cannot be opened.
        InputError: the file is not a film, has no video, is truncated, has a high dynamic range or too large frames; or
            its first frame cannot be read.
    """
    with reading(path) as container:
        stream = video(container, path)
        found = counted(container, stream, path)
        check_whole(path, container, stream, found)
    with reading(path) as container:
        stream = video(container, path)
        _check_size(path, stream.codec_context.width, stream.codec_context.height)
        first = next(read_frames(container, stream, path), None)
        if first is None:
            raise InputError(f"{printable(str(path))} has no frame that can be read; pass another film")
        _check_size(path, first.width, first.height)
        if (kind := HDR.get(first.color_trc)) is not None:
            raise InputError(f"{printable(str(path))} has a high dynamic range ({kind}); convert it to BT.709 first")
        start = max(Fraction(container.start_time or 0, av.time_base), Fraction(0))
        return _film(path, stream, first, found, start)


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        rule = f"frames of {width}x{height} pixels, more than the {MOST_PIXELS:,} that H.264 holds"
        raise InputError(f"{printable(str(path))} has {rule}; make it smaller")


def frames(film: Film) -> Iterator[Frame]:
    """The frames, upright, one at a time. Times increase: an unknown time becomes the time before plus the duration of
    a frame; a time that does not increase becomes the time before plus one unit.

    Raises:
        InputError: a frame cannot be read or has another size than the first.
    """
    step = max(round(1 / (film.rate * film.time_base)), 1)
    last: int | None = None
    with ExitStack() as opened:
        container = opened.enter_context(reading(film.path))
        order = opened.enter_context(reading(film.path)) if container.format.name == UNTIMED else None
        stamps = iter(()) if order is None else stored(order, video(order, film.path))
        for frame in read_frames(container, video(container, film.path), film.path):
            time = frame.pts if order is None else next(stamps, None)
            if time is None:
                time = 0 if last is None else last + step
            elif last is not None and time <= last:
                time = last + 1
            last = time
            yield Frame(time, frame.duration or 0, _upright(frame, film))


def _film(path: Path, stream: VideoStream, first: VideoFrame, found: Packets, start: Fraction) -> Film:
    turn = _turn(first)
    sides = (first.height, first.width) if turn.transposed else (first.width, first.height)
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    return Film(
        path,
        *sides,
        turn=turn,
        time_base=Fraction(stream.time_base or Fraction(1, 90000)),
        rate=found.rate,
        frames=found.frames,
        start=start,
        matrix=_matrix(first),
        transfer=first.color_trc,
        primaries=first.color_primaries,
        full=_is_full(first),
        aspect=1 / aspect if turn.transposed else aspect,
    )


def _upright(frame: VideoFrame, film: Film) -> Picture:
    """uint8 [H, W, 3]."""
    picture = frame.to_ndarray(
        format="rgb24",
        interpolation=EXACT,
        src_colorspace=SWSCALE[film.matrix],
        src_color_range=FULL if film.full else LIMITED,
        dst_color_range=FULL,
    ).astype(np.uint8, copy=False)
    picture = turned(picture, film.turn)
    if picture.shape[:2] != (film.height, film.width):
        text = f"{film.width}x{film.height} to {picture.shape[1]}x{picture.shape[0]} at {frame.time or 0:.2f} s"
        raise InputError(f"{printable(str(film.path))} changes its size from {text}; split it there into two films")
    return picture


def _turn(frame: VideoFrame) -> Turn:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return IDENTITY if matrix is None else of_matrix(np.frombuffer(bytes(cast(Buffer, matrix)), "<i4").tolist())


def _matrix(frame: VideoFrame) -> int:
    if frame.colorspace in SWSCALE:
        return frame.colorspace
    return BT709 if frame.height >= HD else BT601


def _is_full(frame: VideoFrame) -> bool:
    """As swscale does, grey counts as full range."""
    return frame.color_range == FULL or frame.format.is_rgb or frame.format.name.startswith(("yuvj", "gray"))
