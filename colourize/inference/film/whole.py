"""Checks that a film's file is complete: compares its header with its packets. No frame is read."""

import re
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from colourize.errors import InputError
from colourize.files import printable
from colourize.inference.film.container import BROKEN, REPAIR, reason

EXACT = 2.5  # frames by which the duration of a stream may be off
ROUGH = 1.0  # seconds by which the duration of a file may be off
DURATION = re.compile(r"(\d{1,6}):(\d\d):(\d\d\.\d{1,9})\0*")


class Packets(NamedTuple):
    """The packets of a video stream: their number; in seconds, the start of the first, start and end of the last."""

    frames: int
    begin: float
    last: float
    end: float

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        seconds = self.last - self.begin
        return Fraction((self.frames - 1) / seconds).limit_denominator(1001) if seconds > 0 else Fraction(25)


def counted(container: InputContainer, stream: VideoStream, path: Path) -> Packets:
    """Reads all packets of the stream.

    Raises:
        InputError: one is cut off or cannot be read.
    """
    frames, begin, last, end = 0, float("inf"), 0.0, 0.0
    damaged = f"{printable(str(path))} is damaged or truncated after"
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise InputError(f"{damaged} {end:.2f} s; {REPAIR}")
            if packet.size:
                time = float((packet.dts or 0 if packet.pts is None else packet.pts) * packet.time_base)
                frames, begin, last = frames + 1, min(begin, time), max(last, time)
                end = max(end, time + float((packet.duration or 0) * packet.time_base))
    except BROKEN as error:
        raise InputError(f"{damaged} {end:.2f} s ({reason(error)}); {REPAIR}") from error
    return Packets(frames, min(begin, last), last, end)


def check_whole(path: Path, container: InputContainer, stream: VideoStream, found: Packets) -> None:
    """Checks that the packets last as long as the header says, where the header states a duration.

    Raises:
        InputError: the film is truncated.
    """
    lasts = float(container.duration or 0) / av.time_base
    seconds, tolerance = 0.0, EXACT / float(found.rate)
    if stream.duration and stream.time_base:
        # an edit list can make a film shorter than its stream
        seconds = min(float(stream.duration * stream.time_base), lasts)
    elif tag := DURATION.fullmatch(stream.metadata.get("DURATION", "")):
        seconds = int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    elif len(container.streams) == 1:
        seconds, tolerance = lasts, ROUGH
    if found.end + tolerance < seconds:
        text = f"{printable(str(path))} is truncated: its header says {seconds:.2f} s, but it has {found.end:.2f} s"
        raise InputError(f"{text}; {REPAIR}")
