"""Cases 37 to 40 for ``colourize photo``: bad inputs, kinds of file, large pictures, places that cannot be written."""

import signal

import numpy as np
import pytest
from PIL import Image

from colourize.data import read
from colourize.inference import opening, photo, space
from colourize.inference.colouring import Choices
from colourize.inference.memory import Budget
from colourize.inference.photo import Options
from colourize.inference.planned import Job
from tests.faults import probes_photos as probes
from tests.faults.kinds import BOMBS, KINDS
from tests.faults.processes import assert_a_second_signal_ends
from tests.predictors import Pointwise

GREY = np.tile(np.linspace(10, 245, 64).astype(np.uint8), (48, 1))


@pytest.fixture
def photos(start, finished_run, tmp_path):
    """Begins ``colourize photo`` with the words, and a trained network, in a process of its own."""
    return lambda *words, **settings: start(
        *words, "--model", str(finished_run), "--jobs", "2", cwd=tmp_path, verb="photo", **settings
    )


@pytest.fixture
def folder(tmp_path):
    """Forty grey pictures."""
    (tmp_path / "in").mkdir()
    for number in range(40):
        Image.fromarray(np.roll(GREY, number, 1)).save(tmp_path / f"in/{number:02}.png")
    return tmp_path / "in"


@pytest.mark.case(37)
def test_37_bad_files_among_photos_are_named_the_rest_is_coloured_and_the_status_is_two(photos, folder, tmp_path, seen):
    reasons = {"empty.png": "an empty file", "text.png": "not a picture of a known format", "half.jpg": "truncated"}
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("dear diary\n" * 99)
    Image.effect_noise((64, 64), 50).save(folder / "half.jpg")
    (folder / "half.jpg").write_bytes((folder / "half.jpg").read_bytes()[:900])
    process = photos("in", "-o", "out")
    assert process.wait() == 2
    for name, reason in reasons.items():
        (line,) = [line for line in process.stderr().splitlines() if name in line]
        assert reason in line
    assert "40 coloured, 3 failed" in process.stderr() and "Traceback" not in process.stderr()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{number:02}.png" for number in range(40)}
    seen("photos: 40 coloured, 3 named, exit 2")


@pytest.mark.case(37)
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_37_an_interrupted_command_leaves_whole_files_and_is_continued(photos, folder, tmp_path, signum, status, seen):
    process = photos("in", "-o", "out", probe=probes.slowly, given=(0.02,))
    process.wait_for(lambda: (tmp_path / "out").exists() and len(list((tmp_path / "out").glob("*.png"))) > 3)
    process.signal(signum)
    assert process.wait() == status
    assert "Traceback" not in process.stderr()
    done = sorted((tmp_path / "out").glob("*.png"))
    assert 3 < len(done) < 40
    for path in done:
        with Image.open(path) as image:
            image.load()
    times = {path: path.stat().st_ctime_ns for path in done}
    again = photos("in", "-o", "out")
    assert again.wait() == 0, again.stderr()
    assert f"{40 - len(done)} coloured, {len(done)} already there (--overwrite colours them again)" in again.stderr()
    assert all(path.stat().st_ctime_ns == time for path, time in times.items())
    assert not list((tmp_path / "out").glob(".*"))  # what the kill left
    seen(
        f"{signal.Signals(signum).name} after some of 40 photos: exit {status}, whole files, the same command continues"
    )


@pytest.mark.case(37)
def test_37_what_a_kill_left_of_a_photo_is_removed_by_the_next_command(photos, folder, tmp_path, seen):
    assert photos("in", "-o", "out", probe=probes.killed, given=(5,)).wait() == -signal.SIGKILL
    assert list((tmp_path / "out").glob(".*.tmp"))
    again = photos("in", "-o", "out")
    assert again.wait() == 0, again.stderr()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in folder.iterdir()}
    seen("a kill in the middle of a photo's file: the next command removes what it left")


@pytest.mark.case(37)
@pytest.mark.parametrize(("first", "second"), [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_37_a_second_signal_ends_a_command_at_once(photos, folder, tmp_path, first, second, seen):
    process = photos("in", "-o", "out", probe=probes.stuck, given=(str(tmp_path / "begun"),))
    assert_a_second_signal_ends(process, tmp_path / "begun", first, second)
    seen("a second signal in a picture that takes an hour: exit 143 at once, one line")


@pytest.mark.case(38)
@pytest.mark.parametrize("name", KINDS)
def test_38_every_kind_of_file_has_its_tones_as_a_photo(name, tmp_path, seen):
    """A colourless network: the result is the grey of the visible picture, with its alpha on white."""
    file, shown = KINDS[name]
    (tmp_path / name).write_bytes(file)
    expected = space.lab(np.dstack(shown))[..., 0]
    assert read.may_begin_picture(file[: photo.BEGIN])
    found = opening.photograph(tmp_path / name)
    outcome = photo.run(
        Job(tmp_path / name, tmp_path / "out.png"), Pointwise(neutral=True), Options(Choices(), recolour=True),
        Budget(4_000_000_000),
    )  # fmt: skip
    assert outcome.status == "done", outcome.text
    with Image.open(tmp_path / "out.png") as image:
        rgba = np.asarray(image.convert("RGBA")) / 255
    seen_on_white = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
    assert rgba.shape[:2] == expected.shape
    lightness = space.lab(seen_on_white)[..., 0]
    assert np.abs(lightness - expected).mean() < 0.6 + name.endswith(".jpg")
    assert found.frames[0].grey.shape == expected.shape
    seen(f"{len(KINDS)} kinds of file as photos: lightness within 0.6 in the mean")


@pytest.mark.case(39)
@pytest.mark.parametrize("name", BOMBS)
def test_39_a_bomb_as_a_photo_is_refused_and_nothing_is_written(name, photos, tmp_path, seen):
    (tmp_path / name).write_bytes(BOMBS[name][1])
    process = photos(name, "-o", "out.png")
    assert process.wait() == 2
    assert "pass --max-pixels" in process.stderr() and not (tmp_path / "out.png").exists()
    seen("bombs as photos: refused from their headers, exit 2")


@pytest.mark.case(39)
def test_39_a_photo_of_50_megapixels_is_coloured_within_2_gb(photos, tmp_path, seen):
    tile = np.random.default_rng(0).integers(100, 140, (577, 866), np.uint8)
    Image.fromarray(np.tile(tile, (10, 10))).save(tmp_path / "large.jpg")
    process = photos("large.jpg", "-o", "out.jpg", probe=probes.note_peak, given=(str(tmp_path / "peak"),))
    assert process.wait(120) == 0, process.stderr()
    peak = float((tmp_path / "peak").read_text())
    assert peak < 2000
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (8660, 5770)
    seen(f"a photo of 50 megapixels coloured: peak {peak:.0f} MB")


@pytest.mark.case(40)
def test_40_the_picture_itself_is_never_written(photos, folder, tmp_path, seen):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for words in (("in", "-o", "in"), ("in/00.png", "-o", "in/00.png"), ("in", "-o", "./in/../in", "--overwrite")):
        process = photos(*words)
        assert process.wait() == 1
        assert "is an input picture; pass another -o" in process.stderr()
    (tmp_path / "link").symlink_to("in")
    assert photos("in", "-o", "link", "--overwrite").wait() == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    seen("output equal to the input, by a link too: refused, input untouched")


@pytest.mark.case(40)
def test_40_a_place_that_cannot_be_written_is_one_line(photos, folder, tmp_path, seen):
    (tmp_path / "file").write_text("mine")
    process = photos("in/00.png", "-o", "file/out.png")
    assert process.wait() == 2 and len(process.stderr().splitlines()) == 2
    process = photos("in", "-o", "file")
    assert process.wait() == 1 and "file must be a folder" in process.stderr()
    process = photos("in/00.png", "-o", "full.png", probe=probes.full_disk)
    assert process.wait() == 2 and "No space left on device" in process.stderr()
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {"in", "file"}
    assert (tmp_path / "file").read_text() == "mine"
    seen("a file in place of the folder, a full disk: one line, nothing partial")
