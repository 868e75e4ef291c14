"""Films are read as they are shown; what is no whole film is one line."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from colourize.errors import InputError
from colourize.inference.film.source import frames, probed
from tests.films import SIZE, grey_frames, make


def test_grey_comes_back_to_two_levels_from_every_range_and_format(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 255, 64).round().astype(np.uint8)[None, None, :, None], (2, 48, 64, 3)).copy()

    def full(context):
        context.color_range = 2

    cases = [
        {"pixels": "yuv420p"}, {"pixels": "yuv444p"}, {"pixels": "yuv420p10le"}, {"pixels": "gray", "codec": "ffv1"},
        {"pixels": "yuvj420p", "full": True}, {"pixels": "yuv420p", "full": True, "set_up": full},
        {"pixels": "bgr0", "codec": "ffv1", "full": True},
    ]  # fmt: skip
    for number, case in enumerate(cases):
        film = probed(make(tmp_path / f"{number}.mkv", ramp, sound=False, **case))
        picture = next(frames(film)).picture
        assert np.abs(picture.astype(int) - ramp[0]).max() <= 3, case


@pytest.mark.parametrize("turn", [0, 90, 180, -90, (0, True, False), (0, False, True), (90, True, False)])
def test_pictures_come_upright(tmp_path, turn):
    """For quarter turns by numpy's rot90 and the angle that FFmpeg reads from the matrix."""
    path = make(tmp_path / "in.mp4", grey_frames(1), sound=False, turn=turn)
    with av.open(path) as container:
        stored = next(container.decode(video=0))
    picture = stored.to_ndarray(format="rgb24").astype(int)
    film = probed(path)
    upright = next(frames(film)).picture
    assert upright.shape == (film.height, film.width, 3)
    expected = np.rot90(picture, round(stored.rotation / 90))
    if isinstance(turn, tuple):
        assert any(np.abs(flipped - upright).max() <= 3 for flipped in (expected[::-1], expected[:, ::-1]))
        assert np.abs(expected - upright).max() > 50
    else:
        assert np.abs(expected - upright).max() <= 3


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])  # x264 with B-frames, which AVI stores without their times
def test_frames_of_an_avi_come_at_its_rate(tmp_path, codec):
    path = make(tmp_path / "in.avi", unit=Fraction(1, 25), times=range(12), codec=codec, sound=False)
    times = [frame.time for frame in frames(probed(path))]
    assert times == list(range(12))


def test_frames_per_second_are_those_of_the_packets(tmp_path):
    for suffix in ("mp4", "mkv"):
        film = probed(make(tmp_path / f"in.{suffix}", sound=False))
        assert float(film.rate) == pytest.approx(25, rel=0.01)
        assert (film.frames, film.width, film.height) == (12, *SIZE)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("movflags", ["", "faststart"])
def test_a_truncated_mp4_is_one_line(tmp_path, share, movflags):
    whole = make(tmp_path / "whole.mp4", grey_frames(40), sound=False)
    content = whole.read_bytes() if not movflags else header_first(whole)
    (tmp_path / "cut.mp4").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"^[^\n]*cut.mp4[^\n]*(truncated|no video)[^\n]*$"):
        list(frames(probed(tmp_path / "cut.mp4")))


def header_first(path):
    with (
        av.open(path) as source,
        av.open(path.with_suffix(".first.mp4"), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return path.with_suffix(".first.mp4").read_bytes()


def test_a_truncated_matroska_file_is_one_line(tmp_path):
    whole = make(tmp_path / "whole.mkv", grey_frames(40))
    content = whole.read_bytes()
    for share in (0.3, 0.6, 0.8):
        (tmp_path / "cut.mkv").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputError, match="cut.mkv is truncated: its header says 1.60 s"):
            probed(tmp_path / "cut.mkv")


def test_a_file_that_is_not_a_film_is_one_line(tmp_path):
    (tmp_path / "text.mp4").write_text("not a film\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    for name, line in (
        ("text", "cannot be read as a film"),
        ("empty", "cannot be read as a film"),
        ("folder", "must be a regular file"),
    ):
        with pytest.raises(InputError, match=line):
            probed(tmp_path / f"{name}.mp4")
    with pytest.raises(FileNotFoundError):
        probed(tmp_path / "missing.mp4")


@pytest.mark.parametrize("name", ["list.m3u8", "list.mkv", "list.ts"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{film}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfilm.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile film.ts\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 40000 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
    ],
    ids=["hls", "hls-beside", "concat", "sdp"],
)
def test_a_playlist_opens_no_other_file_and_no_socket(tmp_path, monkeypatch, name, text):
    monkeypatch.chdir(tmp_path)
    film = make(tmp_path / "film.ts", sound=False)
    assert probed(film).frames == 12
    (tmp_path / name).write_text(text.format(film=film))
    with pytest.raises(InputError, match="cannot be read as a film"):
        probed(type(tmp_path)(name))


def test_sound_alone_is_not_a_film(tmp_path):
    with av.open(tmp_path / "song.mp4", "w") as out:
        stream = out.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with pytest.raises(InputError, match="has no video stream"):
        probed(tmp_path / "song.mp4")


def test_high_dynamic_range_is_refused(tmp_path):
    def pq(context):
        context.color_trc = 16

    path = make(tmp_path / "in.mp4", pixels="yuv420p10le", sound=False, set_up=pq)
    with pytest.raises(InputError, match=r"high dynamic range \(PQ\)"):
        probed(path)


def test_a_name_that_ffmpeg_would_take_for_an_address_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        probed(type(tmp_path)("concat:a.mp4|b.mp4"))


@pytest.mark.parametrize("side", [5971, 16_000])  # a little above 8192 x 4352
def test_frames_beyond_h264_are_refused_before_one_is_read(tmp_path, monkeypatch, side):
    """A GIF of a few bytes may declare 65,535 x 65,535 pixels."""
    monkeypatch.setattr("colourize.inference.film.source.read_frames", None)
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    header = b"GIF89a" + struct.pack("<2H3B", side, side, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    (tmp_path / "a.gif").write_bytes(header + 3 * frame + b";")
    with pytest.raises(InputError, match=f"a.gif has frames of {side}x{side} pixels, more than the 35,651,584 that"):
        probed(tmp_path / "a.gif")
