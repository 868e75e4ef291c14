"""Small films, written with PyAV, and the contents of a film's file."""

from fractions import Fraction

import av
import numpy as np

from colourize.inference.film import film

SIZE = 64, 48


def grey_frames(count=12, size=SIZE):
    """A bright square that moves over a ramp: uint8 [N, H, W, 3] with R = G = B."""
    width, height = size
    ramp = np.broadcast_to(np.linspace(20, 120, width)[None, :], (height, width))
    frames = np.repeat(ramp[None], count, 0).copy()
    for index, frame in enumerate(frames):
        left = 3 * index % (width // 2)
        frame[height // 4 : height // 2, left : left + width // 4] = 200
    return np.repeat(frames.round().astype(np.uint8)[..., None], 3, -1)


def make(
    path, frames=None, times=None, unit=Fraction(1, 600), codec="libx264", pixels="yuv420p", sound=True, subtitles=None,
    turn=None, chapters=(), tags=None, set_up=lambda context: None, matrix=None, full=False, **options,
):  # fmt: skip
    """Writes a film and gives its path. ``times`` are in units of ``unit``."""
    frames = grey_frames() if frames is None else frames
    times = [24 * index for index in range(len(frames))] if times is None else times
    with av.open(path, "w") as out:
        out.metadata.update(tags or {})
        if chapters:
            out.set_chapters(list(chapters))
        video = out.add_stream(codec, rate=25, options={"crf": "5", **options} if codec == "libx264" else options)
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt, video.codec_context.time_base = pixels, unit
        set_up(video.codec_context)
        if turn is not None:
            video.set_display_rotation(*turn) if isinstance(turn, tuple) else video.set_display_rotation(turn)
        audio = out.add_stream("aac", rate=44100, layout="mono") if sound else None
        words = out.add_mux_stream(subtitles) if subtitles else None
        if audio is not None:
            audio.metadata["language"] = "fre"
        if words is not None:
            words.time_base = Fraction(1, 1000)
        for time, frame in zip(times, frames, strict=True):
            out.mux(video.encode(_packed(frame, time, unit, pixels, matrix, full)))
        out.mux(video.encode())
        if audio is not None:
            _sing(out, audio)
        if words is not None:
            _say(out, words, subtitles)
    return path


def _packed(frame, time, unit, pixels, matrix, full):
    packed = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
        format=pixels, dst_colorspace=matrix or "ITU601", src_color_range=2, dst_color_range=2 if full else 1
    )
    packed.pts, packed.time_base = time, unit
    return packed


def _sing(out, audio):
    for index in range(20):
        wave = np.sin(np.arange(index * 1024, index * 1024 + 1024, dtype=np.float32) / 20)[None] / 2
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44100, index * 1024, Fraction(1, 44100)
        out.mux(audio.encode(frame))
    out.mux(audio.encode())


def _say(out, words, codec):
    for index, text in enumerate((b"hello", b"again")):
        packet = av.Packet(b"\0\5" + text if codec == "mov_text" else text)
        packet.stream, packet.time_base = words, Fraction(1, 1000)
        packet.pts = packet.dts = 200 * index
        packet.duration = 150
        out.mux(packet)


def shown(path):
    """Times in seconds and pictures: list of Fraction, uint8 [N, H, W, 3]."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    return [frame.pts * frame.time_base for frame in frames], np.stack([f.to_ndarray(format="rgb24") for f in frames])


def packets(path, kind):
    """The packets of the first stream of a kind: (seconds, content), without the pauses of MP4's subtitles."""
    with av.open(path) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        found = [p for p in container.demux(stream) if p.size and bytes(p) != b"\0\0"]
        return [(float(p.pts * p.time_base), bytes(p)) for p in found]


class Tinted:
    """A painter without a network: adds a colour that depends on the frames before."""

    def __init__(self, name="tinted"):
        self.key = {"model": name}
        self.level = np.zeros(())
        self.painted = 0

    def paint(self, picture):
        self.level = 0.7 * self.level + 0.3 * picture.mean()
        self.painted += 1
        red = np.clip(picture[..., :1].astype(float) + self.level / 4, 0, 255).astype(np.uint8)
        return np.concatenate((red, picture[..., 1:]), -1)

    def memory(self):
        return {"level": np.asarray(self.level)}

    def recall(self, memory):
        self.level = memory["level"]


def colour(source, output, painter=None, **options):
    """The film in parts of five frames, quickly."""
    return film.colour(source, output, painter or Tinted(), **{"length": 5, "quality": 5, **options})
