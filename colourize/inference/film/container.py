"""A film's file, open for reading. Errors of PyAV become one line."""

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

REPAIR = "pass the whole film, or copy what is left into a new file and pass that"
BROKEN = av.FFmpegError, OSError
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,nut,mxf,gxf,rm,wtv,dv,h261,h263,h264,"
    "hevc,vvc,av1,obu,ivf,m4v,vc1,dirac,mjpeg,yuv4mpegpipe,apng,gif,flic,swf,nuv,nsv,roq,smk,bink,amr,mp3,wav,flac,aac"
)
"""FFmpeg's names of the formats that hold their pictures themselves. Playlists and descriptions of sessions (hls,
concat, sdp, ...) name other files or listen on the network, so they are not read."""


@contextmanager
def reading(path: Path) -> Iterator[InputContainer]:
    """The film's container.

    Raises:
        OSError: the file does not exist or cannot be opened.
        InputError: not a film, or a device or a pipe.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{printable(str(path))} must be a film's file; pass another name")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
    with path.open("rb") as file:  # an open file, so that a name such as http://... or concat:... opens nothing else
        try:
            container = av.open(file, "r", metadata_errors="replace", options=options)
        except BROKEN as error:
            text = f"{printable(str(path))} is no film that can be read, or it is truncated ({reason(error)})"
            raise InputError(f"{text}; pass another film") from error
        with container:
            yield container


@contextmanager
def writing(file: BinaryIO, format: str) -> Iterator[OutputContainer]:
    """A container to write into an open file. An error within it is raised as it is: closing after a full disk would
    raise another one.

    Args:
        file: open for writing.
        format: FFmpeg's name of it.
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
    """The first stream of moving pictures; the cover of an album is none.

    Raises:
        InputError: there is none, or no decoder for it.
    """
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(f"{printable(str(path))} has a video stream of an unknown codec; convert it first")
            stream.thread_type = "AUTO"  # several threads; the pictures are the same
            return stream
    raise InputError(f"{printable(str(path))} has no video stream; pass a film")


def decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    """The frames in the order in which they are shown.

    Raises:
        InputError: a frame cannot be decoded.
    """
    time = 0.0
    try:
        for frame in container.decode(stream):
            time = frame.time or time
            yield frame
    except BROKEN as error:
        text = f"{printable(str(path))}: a frame after {time:.2f} s cannot be decoded ({reason(error)})"
        raise InputError(f"{text}; repair the film, or pass another one") from error


def stored(container: InputContainer, stream: VideoStream) -> Iterator[int | None]:
    """The times at which frames are stored, in units of the stream: in their order those at which they are shown."""
    return (packet.dts for packet in container.demux(stream) if packet.size)


def reason(error: Exception) -> str:
    """What FFmpeg says."""
    return (getattr(error, "strerror", None) or str(error)).lower()
