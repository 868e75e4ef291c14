"""Opens films for reading and writing. Errors of PyAV become one line."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colourize.errors import InputError
from colourize.files import printable

REPAIR = "pass the complete film, or copy the readable part into a new file and pass that"
BROKEN = av.FFmpegError, OSError
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,nut,mxf,gxf,rm,wtv,dv,h261,h263,h264,"
    "hevc,vvc,av1,obu,ivf,m4v,vc1,dirac,mjpeg,yuv4mpegpipe,apng,gif,flic,swf,nuv,nsv,roq,smk,bink,amr,mp3,wav,flac,aac"
)
"""FFmpeg's names of the formats that contain their pictures. Playlists and session descriptions (hls, concat, sdp, ...)
name other files or listen on the network, so they are refused."""


@contextmanager
def reading(path: Path) -> Iterator[InputContainer]:
    """The film's container.

    Raises:
        OSError: the file does not exist or cannot be opened.
        InputError: not a film, or a device or a pipe.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{printable(str(path))} must be a regular file; pass a film")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
    with path.open("rb") as file:  # an open file, so that a name such as http://... or concat:... opens nothing else
        try:
            container = av.open(file, "r", metadata_errors="replace", options=options)
        except BROKEN as error:
            text = f"{printable(str(path))} cannot be read as a film, or is truncated ({reason(error)})"
            raise InputError(f"{text}; pass another film") from error
        with container:
            yield container


@contextmanager
def writing(file: BinaryIO, format: str) -> Iterator[OutputContainer]:
    """A container to write into an open file. An error in the block is raised unchanged: closing the container after a
    full disk would raise another one.

    Args:
        file: open for writing.
        format: FFmpeg's name of the format.
    """
    container = av.open(file, "w", format=format)
    try:
        yield container
    except BaseException:
        with suppress(Exception):
            container.close()
        raise
    container.close()


def video(container: InputContainer, path: Path) -> VideoStream:
    """The first video stream that is not a cover picture.

    Raises:
        InputError: the film has no video stream, or FFmpeg has no decoder for it.
    """
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(f"{printable(str(path))} has a video stream of an unknown codec; convert it first")
            stream.thread_type = "AUTO"  # several threads, which do not change the pictures
            return stream
    raise InputError(f"{printable(str(path))} has no video stream; pass a film")


def read_frames(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    """The frames in the order in which they are shown.

    Raises:
        InputError: a frame cannot be read.
    """
    time = 0.0
    try:
        for frame in container.decode(stream):
            time = frame.time or time
            yield frame
    except BROKEN as error:
        text = f"{printable(str(path))}: a frame after {time:.2f} s cannot be read ({reason(error)})"
        raise InputError(f"{text}; repair the film, or pass another one") from error


def stored(container: InputContainer, stream: VideoStream) -> Iterator[int | None]:
    """The decoding times of the packets in units of the stream. In an AVI they are, in order, the display times."""
    return (packet.dts for packet in container.demux(stream) if packet.size)


def reason(error: Exception) -> str:
    """FFmpeg's message."""
    return (getattr(error, "strerror", None) or str(error)).lower()
