"""A film in, a film out: what is kept, and what an interruption leaves."""

import shutil
from fractions import Fraction

import av
import numpy as np
import pytest

from colourize.errors import InputError
from colourize.inference.film import film
from tests.films import SIZE, Tinted, colour, grey_frames, make, packets, shown

IRREGULAR = [0, 24, 60, 61, 120, 200, 201, 260, 300, 340, 341, 500]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_variable_times_are_kept_exactly(tmp_path, suffix):
    source = make(tmp_path / "in.mp4", times=IRREGULAR)
    colour(source, tmp_path / f"out{suffix}")
    times, _ = shown(tmp_path / f"out{suffix}")
    assert times == shown(source)[0] == [Fraction(time, 600) for time in IRREGULAR]


def test_matroska_keeps_times_to_a_millisecond(tmp_path):
    source = make(tmp_path / "in.mp4", times=IRREGULAR, sound=False)
    colour(source, tmp_path / "out.mkv")
    times, _ = shown(tmp_path / "out.mkv")
    np.testing.assert_allclose([float(t) for t in times], [t / 600 for t in IRREGULAR], atol=0.0006)


def test_the_last_frame_stays_as_long_as_before(tmp_path, plain):
    colour(plain, tmp_path / "out.mp4")
    with av.open(plain) as before, av.open(tmp_path / "out.mp4") as after:
        lasts = [float(c.streams.video[0].duration * c.streams.video[0].time_base) for c in (before, after)]
    assert lasts[0] == pytest.approx(lasts[1], abs=1e-6)


def test_the_pictures_are_those_of_the_painter(tmp_path, plain):
    colour(plain, tmp_path / "out.mp4", quality=1)
    painter = Tinted()
    expected = np.stack([painter.paint(picture) for picture in shown(plain)[1]])
    _, found = shown(tmp_path / "out.mp4")
    assert found.shape == expected.shape
    assert np.abs(found.mean((1, 2)) - expected.mean((1, 2))).max() < 2.5  # of 8-bit chroma
    assert (found[..., 0] - found[..., 1].astype(int)).mean() > 5  # it is red


@pytest.mark.parametrize(("suffix", "words"), [(".mp4", "mov_text"), (".mkv", "subrip")])
def test_sound_and_subtitles_are_copied_byte_for_byte(tmp_path, suffix, words):
    source = make(tmp_path / f"in{suffix}", subtitles=words)
    colour(source, tmp_path / f"out{suffix}")
    for kind in ("audio", "subtitle"):
        before, after = (packets(path, kind) for path in (source, tmp_path / f"out{suffix}"))
        assert [content for _, content in before] == [content for _, content in after]
        video = [packets(path, "video")[0][0] for path in (source, tmp_path / f"out{suffix}")]
        apart = [time - video[0] for time, _ in before]  # Matroska shifts a whole film that starts before zero
        np.testing.assert_allclose([time - video[1] for time, _ in after], apart, atol=0.0011)


def test_tags_languages_and_chapters_are_kept(tmp_path):
    one = {"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}}
    source = make(tmp_path / "in.mp4", chapters=[one], tags={"title": "A film"})
    colour(source, tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as out:
        assert out.metadata["title"] == "A film"
        assert out.streams.audio[0].metadata["language"] == "fre"
        assert [chapter["metadata"]["title"] for chapter in out.chapters()] == ["one"]


def test_colours_go_back_with_the_matrix_and_range_of_the_film(tmp_path):
    frames = np.broadcast_to(np.linspace(0, 255, 64).round().astype(np.uint8)[None, None, :, None], (3, 48, 64, 3))
    for full in (False, True):

        def tag(context, full=full):
            context.color_range, context.colorspace = 2 if full else 1, 1

        source = make(tmp_path / f"{full}.mp4", frames.copy(), sound=False, matrix="ITU709", full=full, set_up=tag)
        film.colour(source, tmp_path / f"{full}.out.mp4", Same(), quality=1)
        with av.open(tmp_path / f"{full}.out.mp4") as out:
            frame = next(out.decode(video=0))
            assert (frame.color_range, frame.colorspace) == (2 if full else 1, 1)
            luma = frame.to_ndarray()[:48].astype(int)
        with av.open(source) as before:
            assert np.abs(luma - next(before.decode(video=0)).to_ndarray()[:48]).max() <= 2


class Same(Tinted):
    def paint(self, picture):
        return picture


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (33, 31)])
def test_odd_sides_keep_their_length(tmp_path, size):
    source = make(tmp_path / "in.mkv", grey_frames(3, size), pixels="yuv444p", sound=False)
    colour(source, tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as out:
        assert (out.streams.video[0].width, out.streams.video[0].height) == size
        assert out.streams.video[0].pix_fmt == "yuv444p"


def test_wide_pixels_stay_wide_and_turn_with_the_picture(tmp_path):
    def widen(context):
        context.sample_aspect_ratio = Fraction(4, 3)

    colour(make(tmp_path / "in.mp4", set_up=widen, sound=False), tmp_path / "out.mp4")
    colour(make(tmp_path / "turned.mp4", set_up=widen, sound=False, turn=90), tmp_path / "out2.mp4")
    for name, ratio, sides in (("out", Fraction(4, 3), SIZE), ("out2", Fraction(3, 4), SIZE[::-1])):
        with av.open(tmp_path / f"{name}.mp4") as out:
            stream = out.streams.video[0]
            assert (stream.sample_aspect_ratio, (stream.width, stream.height)) == (ratio, sides)
            assert next(out.decode(video=0)).rotation == 0


@pytest.mark.parametrize("name", ["in.mp4", "there.mp4", "out.gif", "out", "missing/out.mp4"])
def test_an_unusable_output_is_refused_and_nothing_changes(tmp_path, plain, name):
    source = shutil.copy(plain, tmp_path / "in.mp4")
    (tmp_path / "there.mp4").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="is the film itself|exists; remove it|must end in|there is no folder"):
        colour(source, tmp_path / name)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_film_in_colour_is_named_and_a_toned_one_is_coloured(tmp_path):
    grey = grey_frames(12)
    colours = grey.copy()
    colours[2:, :24, :, 2] //= 3  # yellow above, blue below
    colours[2:, 24:, :, :2] //= 3
    source = make(tmp_path / "in.mp4", colours, sound=False)
    with pytest.raises(InputError, match=r"in.mp4 is in colour already, at 0.40 s; pass --recolour"):
        colour(source, tmp_path / "out.mp4")
    colour(source, tmp_path / "out.mp4", recolour=True)
    sepia = np.rint(grey * (1, 0.86, 0.7)).astype(np.uint8)
    colour(make(tmp_path / "sepia.mp4", sepia, sound=False), tmp_path / "out2.mp4")


def test_subtitles_that_the_output_cannot_hold_are_named_before_the_work(tmp_path):
    source = make(tmp_path / "in.mkv", subtitles="subrip")
    painter = Tinted()
    with pytest.raises(InputError, match=r"the subtitle of .*in.mkv .* cannot be copied into .mp4; .* ends in .mkv"):
        colour(source, tmp_path / "out.mp4", painter)
    assert painter.painted == 0
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.parametrize("room", [100, 3000, 8000])  # bytes: the first write, a later one, and that of the film itself
def test_a_full_disk_is_an_error_of_the_file_and_leaves_whole_parts_only(tmp_path, plain, monkeypatch, room):
    full = OSError(28, "No space left on device")
    opened = type(tmp_path).open

    def limited(path, mode="r", *arguments, **options):
        file = opened(path, mode, *arguments, **options)
        return Limited(file, room, full) if mode == "xb" and ".json" not in path.name else file

    with monkeypatch.context() as patched:
        patched.setattr(type(tmp_path), "open", limited)
        with pytest.raises(OSError, match="No space left on device") as error:
            colour(plain, tmp_path / "out.mp4")
    assert error.value is full
    assert error.value.filename.startswith(str(tmp_path / "out.mp4"))
    assert not (tmp_path / "out.mp4").exists()
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".tmp"]
    colour(plain, tmp_path / "out.mp4")
    assert len(shown(tmp_path / "out.mp4")[0]) == 12


class Limited:
    """A file on a disk with ``room`` bytes left."""

    def __init__(self, file, room, error):
        self.file, self.room, self.error = file, room, error

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.room -= len(content)
        if self.room < 0:
            raise self.error
        return self.file.write(content)


def test_no_more_frames_than_the_encoder_needs_are_in_memory(tmp_path, plain, monkeypatch):
    """Every frame that was read is coloured before the next is read."""
    read, ahead = 0, []
    frames = film.source.frames

    def counted(of):
        nonlocal read
        for frame in frames(of):
            read += 1
            ahead.append(read - painter.painted)
            yield frame

    painter = Tinted()
    monkeypatch.setattr(film.source, "frames", counted)
    colour(plain, tmp_path / "out.mp4", painter, recolour=True)
    assert ahead == [1] * 12
