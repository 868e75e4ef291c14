"""Jobs of ``colourize photo``: many pictures, bad ones, what is there already, memory, and interruptions."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from colourize.errors import InputError, Interrupted
from colourize.inference import many, memory, photo
from colourize.inference.colouring import Choices
from colourize.inference.decoded import Decoding
from colourize.inference.memory import Budget
from colourize.inference.photo import Options
from colourize.inference.planned import Job, plan
from tests.drawn_pictures import landscape
from tests.predictors import Pointwise

ROOM = Budget(4_000_000_000)


@pytest.fixture
def grey(tmp_path):
    path = tmp_path / "in" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(np.tile(np.arange(0, 250, 5, dtype=np.uint8), (30, 1))).save(path)
    return path


def run(source, target, options=Options(Choices()), budget=ROOM, predictor=None):  # noqa: B008
    return photo.run(Job(source, target), predictor or Pointwise(), options, budget)


def test_a_picture_is_coloured_with_the_date_of_its_file(grey, tmp_path):
    os.utime(grey, (1_000_000_000, 1_000_000_000))
    outcome = run(grey, tmp_path / "new/deep/out.png")
    assert outcome.status == "done" and outcome.kind == "grey"
    assert (tmp_path / "new/deep/out.png").stat().st_mtime == 1_000_000_000
    assert np.ptp(np.asarray(Image.open(tmp_path / "new/deep/out.png")).astype(int), axis=2).max() > 20


def test_a_result_that_is_there_is_kept_unless_asked(grey, tmp_path):
    target = tmp_path / "out.png"
    target.write_bytes(b"mine")
    assert run(grey, target).status == "already there" and target.read_bytes() == b"mine"
    assert run(grey, target, Options(Choices(), overwrite=True)).status == "done" and target.read_bytes() != b"mine"


def test_a_picture_in_colour_is_left_alone_unless_asked(tmp_path):
    landscape(40, 30).save(tmp_path / "colour.png")
    assert run(tmp_path / "colour.png", tmp_path / "out.png").status == "in colour"
    assert not (tmp_path / "out.png").exists()
    assert run(tmp_path / "colour.png", tmp_path / "out.png", Options(Choices(), recolour=True)).status == "done"


def test_samples_uncertainty_and_side_by_side_are_files_beside(grey, tmp_path):
    options = Options(Choices(Decoding("sample"), samples=2), uncertainty=True, side_by_side=True)
    assert run(grey, tmp_path / "out.png", options).status == "done"
    assert {path.name for path in tmp_path.glob("out*")} == {
        "out.1.png", "out.2.png", "out.side-by-side.png", "out.uncertainty.png",
    }  # fmt: skip
    for name, width in (("side-by-side", 100), ("uncertainty", 50)):
        with Image.open(tmp_path / f"out.{name}.png") as image:
            assert image.size == (width, 30)


@pytest.mark.parametrize("given", ["out.1.png", "out.side-by-side.png", "out.uncertainty.png"])
def test_no_further_picture_replaces_the_picture_itself(grey, given):
    source = grey.rename(grey.with_name(given))
    before = source.read_bytes()
    options = Options(Choices(Decoding("sample"), samples=2), overwrite=True, uncertainty=True, side_by_side=True)
    outcome = run(source, grey.with_name("out.png"), options)
    assert outcome.status == "failed" and f"{given} is an input picture" in outcome.text
    assert source.read_bytes() == before and len(list(grey.parent.iterdir())) == 1


@pytest.mark.parametrize("options", [{"side_by_side": True}, {"choices": Choices(Decoding("sample"), samples=2)}])
def test_two_pictures_that_would_write_the_same_file_are_refused_before_any_is_written(tmp_path, options):
    label = "side-by-side" if "side_by_side" in options else "1"
    first, second = (Job(tmp_path / f"in/{name}", tmp_path / name) for name in ("a.png", f"a.{label}.png"))
    same = Job(tmp_path / "in/a.bmp", tmp_path / "a.png")
    with pytest.raises(InputError, match="would both write"):
        photo.check_distinct(
            [first, second if "side_by_side" in options else same], Options(**{"choices": Choices(), **options})
        )
    photo.check_distinct([first, second], Options(Choices()))


@pytest.mark.parametrize("name", ["stdin", "stdout"])
def test_a_closed_standard_stream_is_one_line(grey, monkeypatch, name):
    monkeypatch.setattr(f"sys.{name}", None)
    outcome = run(None if name == "stdin" else grey, None)
    assert outcome.status == "failed" and outcome.text.startswith(f"standard {name.removeprefix('std')}put is closed")


def test_further_pictures_that_are_there_are_kept_and_the_missing_ones_are_written(grey, tmp_path):
    names = "out.png", "out.side-by-side.png", "out.uncertainty.png"
    options = Options(Choices(), uncertainty=True, side_by_side=True)
    assert run(grey, tmp_path / "out.png").status == "done"
    (tmp_path / names[1]).write_bytes(b"mine")
    times = (tmp_path / names[0]).stat().st_ctime_ns
    outcome = run(grey, tmp_path / "out.png", options)
    assert outcome.status == "done"
    assert outcome.notes == ("out.png, out.side-by-side.png already there (--overwrite replaces them)",)
    assert (tmp_path / names[0]).stat().st_ctime_ns == times and (tmp_path / names[1]).read_bytes() == b"mine"
    assert (tmp_path / names[2]).exists()
    assert run(grey, tmp_path / "out.png", options).status == "already there"


def test_an_uncertainty_map_that_is_there_is_named(grey, tmp_path):
    (tmp_path / "q.uncertainty.png").write_bytes(b"mine")
    outcome = run(grey, tmp_path / "q.png", Options(Choices(), uncertainty=True))
    assert outcome.status == "done" and (tmp_path / "q.uncertainty.png").read_bytes() == b"mine"
    assert outcome.notes == ("q.uncertainty.png already there (--overwrite replaces it)",)
    again = run(grey, tmp_path / "q.png", Options(Choices(), overwrite=True, uncertainty=True))
    assert not again.notes and (tmp_path / "q.uncertainty.png").read_bytes() != b"mine"


@pytest.mark.parametrize("there", [False, True])
def test_where_only_the_pair_does_not_fit_the_format_the_coloured_picture_is_written(tmp_path, there):
    source, target = tmp_path / "long.png", tmp_path / "out.jpg"
    Image.new("L", (40_000, 8), 90).save(source)
    if there:
        target.write_bytes(b"mine")
    predictor = Pointwise(neutral=True)
    outcome = run(source, target, Options(Choices(), side_by_side=True), predictor=predictor)
    assert outcome.notes == (
        "the pair of --side-by-side is left out: JPEG holds sides of up to 65500 pixels, got 80000 x 8; "
        "pass --format png",
    )
    assert outcome.status == ("already there" if there else "done") and predictor.calls == (not there)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.png", "out.jpg"]


def test_without_metadata_no_file_has_a_note_or_the_date(grey, tmp_path):
    os.utime(grey, (1_000_000_000, 1_000_000_000))
    options = Options(Choices(), metadata=False, uncertainty=True, side_by_side=True, note="done by colourize")
    assert run(grey, tmp_path / "out.png", options).status == "done"
    found = list(tmp_path.glob("out*"))
    assert len(found) == 3
    for path in found:
        assert b"colourize" not in path.read_bytes() and path.stat().st_mtime != 1_000_000_000


def test_what_a_format_cannot_hold_fails_alone(tmp_path):
    first = Image.new("L", (40, 30), 90)
    first.save(tmp_path / "pages.tif", save_all=True, append_images=[Image.new("L", (20, 50), 90)])
    outcome = run(tmp_path / "pages.tif", tmp_path / "out.webp")
    assert outcome.status == "failed" and "WEBP" in outcome.text and "pass --format" in outcome.text
    assert run(tmp_path / "pages.tif", tmp_path / "out.tif").status == "done"
    with Image.open(tmp_path / "out.tif") as image:
        image.seek(1)
        assert image.size == (20, 50)


@pytest.mark.parametrize("form", ["tif", "png"])
def test_sixteen_bits_stay_sixteen_bits(tmp_path, form):
    levels = np.tile(np.linspace(0, 65535, 500).astype(np.uint16), (20, 1))
    Image.fromarray(levels).save(tmp_path / "deep.png")
    assert run(tmp_path / "deep.png", tmp_path / f"out.{form}", predictor=Pointwise(neutral=True)).status == "done"
    if form == "tif":
        import tifffile

        assert np.array_equal(tifffile.imread(tmp_path / "out.tif")[..., 1], levels)
    else:
        assert (tmp_path / "out.png").read_bytes()[24] == 16


@pytest.mark.slow
def test_of_a_thousand_pictures_with_three_bad_ones_the_others_are_coloured(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(1000):
        Image.new("L", (3, 2), number % 256).save(folder / f"{number:03}.png")
    (folder / "007.png").write_text("a text")
    (folder / "500.png").write_bytes(b"")
    (folder / "999.png").write_bytes((folder / "998.png").read_bytes()[:40])
    jobs = plan([str(folder)], str(tmp_path / "out"))
    predictor = Pointwise(size=8, neutral=True)
    outcomes = many.all_of(jobs, lambda job: photo.run(job, predictor, Options(Choices(threads=1)), ROOM), 2)
    assert many.summary(outcomes) == "997 coloured, 3 failed"
    assert [outcome.job.source.name for outcome in outcomes if outcome.status == "failed"] == [
        "007.png",
        "500.png",
        "999.png",
    ]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and all("in/" in line for line in errors)
    assert len(list((tmp_path / "out").iterdir())) == 997
    again = many.all_of(jobs, lambda job: photo.run(job, predictor, Options(Choices()), ROOM), 2)
    assert many.summary(again) == "0 coloured, 997 already there (--overwrite colours them again), 3 failed"
    assert many.record(again)["pictures"][7]["status"] == "failed"


@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: Interrupted(15)])
def test_an_interruption_begins_no_further_picture_and_leaves_whole_files(tmp_path, error):
    begun = []

    def one(job):
        begun.append(job)
        if len(begun) == 3:
            raise error()
        return photo.Outcome(job, "done")

    jobs = [Job(tmp_path / f"{number}.png", tmp_path / f"{number}.out.png") for number in range(50)]
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        many.all_of(jobs, one, 1)
    assert len(begun) < 10


def test_a_place_that_cannot_be_written_is_one_line(grey, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = run(grey, tmp_path / "file" / "out.png")
    assert outcome.status == "failed" and "\n" not in outcome.text and "file" in outcome.text


def test_a_full_disk_leaves_nothing_partial(grey, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcome = run(grey, tmp_path / "out.png")
    assert outcome.status == "failed" and "No space left" in outcome.text
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_picture_beyond_the_memory_is_refused_from_its_header(grey, tmp_path):
    outcome = run(grey, tmp_path / "out.png", budget=Budget(memory.NETWORK + 1000))
    assert outcome.status == "failed" and "--max-memory" in outcome.text


@pytest.mark.parametrize(
    ("choices", "name", "size"),
    [
        (Choices(size=2048), "out.png", 4_000_000_000),
        (Choices(size=2048, tile=512), "out.png", 750_000_000),
        (Choices(size=8), "out.webp", 50_000 * 22),
        (Choices(size=8), "out.avif", 50_000 * 32),
    ],
)
def test_the_network_at_its_working_size_and_the_encoder_count(tmp_path, choices, name, size):
    Image.new("L", (200, 250), 90).save(tmp_path / "photo.png")
    outcome = run(tmp_path / "photo.png", tmp_path / name, Options(choices), Budget(memory.NETWORK + size))
    assert outcome.status == "failed" and "more than --max-memory" in outcome.text and "--size" in outcome.text


def test_of_many_pictures_in_colour_the_first_are_named_and_all_are_counted(tmp_path, capsys):
    jobs = [Job(tmp_path / f"{number}.png", tmp_path / "out.png") for number in range(30)]
    outcomes = many.all_of(jobs, lambda job: photo.Outcome(job, "in colour"), 1)
    assert len(capsys.readouterr().err.splitlines()) == many.NAMED
    assert many.summary(outcomes) == "0 coloured, 30 in colour already (--recolour colours them)"


def test_toned_pictures_are_counted():
    outcomes = [photo.Outcome(Job(None, None), "done", kind=kind) for kind in ("grey", "tinted", "tinted")]
    assert many.summary(outcomes) == "3 coloured (2 of them toned, made grey first)"


class Endless(io.RawIOBase):
    """Standard input that never ends."""

    def __init__(self):
        self.given = 0
        self.buffer = self

    def read(self, size=-1):
        self.given += size
        return b"dear diary" * (size // 10 + 1)


def test_standard_input_that_is_no_picture_is_refused_from_its_first_bytes(monkeypatch):
    endless = Endless()
    monkeypatch.setattr("sys.stdin", endless)
    outcome = run(None, None)
    assert (outcome.status, outcome.text) == ("failed", "not a picture of a known format")
    assert endless.given <= 1 << 16
