"""Encodes a part of a film as H.264, without B-frames, so that parts can be joined at any frame rate."""

from collections.abc import Iterable
from typing import BinaryIO, cast

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colourize.errors import InputError
from colourize.inference.film.container import writing
from colourize.inference.film.source import EXACT, FULL, LIMITED, SWSCALE, Film, Frame, Picture

CODEC, CONTAINER = "libx264", "nut"  # NUT keeps any time base, where Matroska rounds to milliseconds
THREADS = 4  # a fixed number: x264's result depends on it
LARGEST = 16384  # pixels a side, of H.264


def pixel_format(width: int, height: int) -> str:
    """yuv420p, which every player supports; yuv444p for odd sides, since 4:2:0 has one colour for 2 x 2 pixels."""
    return "yuv444p" if width % 2 or height % 2 else "yuv420p"


def check_encodable(film: Film) -> None:
    """Checks that the encoder exists and accepts the film's size.

    Raises:
        InputError: there is no encoder, or a side is too long.
    """
    if CODEC not in av.codecs_available:
        raise InputError(f"this PyAV has no encoder {CODEC}; install the one from the package index: pip install av")
    if max(film.width, film.height) > LARGEST:
        raise InputError(f"a film must have sides <= {LARGEST} pixels, got {film.width}x{film.height}; make it smaller")


def write(file: BinaryIO, film: Film, frames: Iterable[Frame], quality: int) -> int:
    """Writes frames as one part, which begins with a key frame; returns their number.

    Args:
        file: open for writing.
        film: gives size, time base and colours.
        frames: coloured, uint8 [H, W, 3].
        quality: x264's constant rate factor, 0 (largest file) to 51.
    """
    count = 0
    with writing(file, CONTAINER) as container:
        options = {"crf": str(quality), "preset": "medium"}
        stream = cast(VideoStream, container.add_stream(CODEC, rate=film.rate, options=options))
        _set(stream.codec_context, film)
        for frame in frames:
            container.mux(stream.encode(_packed(frame.picture, frame.time, film)))
            count += 1
        container.mux(stream.encode())
    return count


def _set(context: VideoCodecContext, film: Film) -> None:
    context.width, context.height = film.width, film.height
    context.pix_fmt = pixel_format(film.width, film.height)
    context.time_base = film.time_base
    context.sample_aspect_ratio = film.aspect
    context.max_b_frames = 0
    context.thread_count = THREADS
    context.flags |= Flags.global_header
    context.colorspace, context.color_range = film.matrix, FULL if film.full else LIMITED
    context.color_trc, context.color_primaries = film.transfer, film.primaries


def _packed(picture: Picture, time: int, film: Film) -> VideoFrame:
    frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format=pixel_format(film.width, film.height),
        interpolation=EXACT,
        src_color_range=FULL,
        dst_colorspace=SWSCALE[film.matrix],
        dst_color_range=FULL if film.full else LIMITED,
    )
    frame.pts, frame.time_base = time, film.time_base
    return frame
