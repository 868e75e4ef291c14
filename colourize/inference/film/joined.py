"""Joins the coloured parts with the film's sound, subtitles, chapters and tags, which are copied."""

from __future__ import annotations  # PyAV's Packet[...] is for type checkers only

import heapq
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from colourize.errors import InputError
from colourize.files import printable
from colourize.inference.film.container import reading, video, writing
from colourize.inference.film.source import Film

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
COPIED = "audio", "subtitle"
NOT_OF_THE_FILM = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
"""Tags about the file, not the film; the new file gets its own."""


def check_copied(film: Film, output: Path) -> None:
    """Tries to write a film without any frame, so that streams that the output's format cannot hold fail at once.

    Raises:
        InputError: sound or subtitles that would have to be converted.
    """
    with reading(film.path) as source, writing(io.BytesIO(), FORMATS[output.suffix.lower()]) as out:
        _add_copies(out, source, film, output)


def write(file: BinaryIO, film: Film, parts: Sequence[Path], last: int, output: Path) -> None:
    """Writes the whole film.

    Args:
        file: open for writing.
        film: the one that was coloured; its sound, subtitles, chapters and tags are copied.
        parts: the files of ``encoded.write``, in order.
        last: duration of the last frame in units of the film's time base; 0 where unknown.
        output: its suffix gives the format; named in messages.
    """
    with ExitStack() as open_, reading(film.path) as source:
        out = open_.enter_context(writing(file, FORMATS[output.suffix.lower()]))
        first = open_.enter_context(reading(parts[0]))
        stream = out.add_stream_from_template(video(first, parts[0]))
        stream.time_base = film.time_base
        _copy_tags(video(source, film.path), stream)
        copies = _add_copies(out, source, film, output)
        out.metadata.update({k: v for k, v in source.metadata.items() if k.lower() not in NOT_OF_THE_FILM})
        if chapters := source.chapters():
            out.set_chapters(chapters)
        coloured: Iterator[Packet[Any]] = _coloured(parts, stream, film, last)
        for packet in heapq.merge(coloured, _copied(source, copies, film), key=_seconds):
            out.mux(packet)


def length(part: Path) -> int:
    """The number of frames of a part.

    Raises:
        InputError: not a film.
    """
    return sum(1 for _ in _packets([part]))


def _add_copies(out: OutputContainer, source: InputContainer, film: Film, output: Path) -> dict[Stream, Stream]:
    copies: dict[Stream, Stream] = {}
    for stream in source.streams:
        if stream.type not in COPIED:
            continue
        try:
            copies[stream] = out.add_stream_from_template(stream)
        except ValueError as error:
            name = stream.codec_context.name if stream.codec_context else "unknown"
            text = f"the {stream.type} of {printable(str(film.path))} ({name}) cannot be copied into {output.suffix}"
            other = ".mkv" if output.suffix.lower() != ".mkv" else film.path.suffix
            raise InputError(f"{text}; pass an output that ends in {other}, or convert it first") from error
        _copy_tags(stream, copies[stream])
    return copies


def _copy_tags(stream: Stream, copy: Stream) -> None:
    copy.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() not in NOT_OF_THE_FILM})
    copy.disposition = Disposition(stream.disposition)


def _coloured(parts: Sequence[Path], stream: VideoStream, film: Film, last: int) -> Iterator[Packet[VideoStream]]:
    """The parts' packets; the duration of each is the time to the next."""
    before: Packet[VideoStream] | None = None
    time = 0
    for packet in _packets(parts):
        packet_time = _time(packet, film)
        if before is not None:
            before.duration = packet_time - time
            yield before
        packet.time_base, packet.stream = film.time_base, stream
        packet.pts = packet.dts = time = packet_time
        before = packet
    if before is not None:
        before.duration = last
        yield before


def _packets(parts: Sequence[Path]) -> Iterator[Packet[VideoStream]]:
    for part in parts:
        with reading(part) as container:
            yield from (packet for packet in container.demux(video(container, part)) if packet.size)


def _time(packet: Packet[VideoStream], film: Film) -> int:
    """In units of the film's time base, from the film's start."""
    return round(((packet.pts or 0) * Fraction(packet.time_base) - film.start) / film.time_base)


def _copied(source: InputContainer, copies: dict[Stream, Stream], film: Film) -> Iterator[Packet[Any]]:
    """The packets, unchanged, with times from the film's start. A time that does not increase becomes the next unit."""
    last: dict[Stream, int] = {}
    for packet in source.demux(*copies) if copies else ():
        if packet.dts is None:
            continue
        start = round(film.start / Fraction(packet.time_base))
        earliest = last.get(packet.stream, packet.dts - start - 1) + 1
        last[packet.stream] = dts = max(packet.dts - start, earliest)
        packet.pts = dts if packet.pts is None else max(packet.pts - start, dts)
        packet.dts = dts
        packet.stream = copies[packet.stream]
        yield packet


def _seconds(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * Fraction(packet.time_base)
