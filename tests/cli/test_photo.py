"""``colourize photo`` as typed on the command line."""

import errno
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import colourize
from colourize import files
from colourize.cli.main import main
from colourize.errors import InputError
from colourize.inference.opened import opened
from tests.commands import ONE_THREAD
from tests.drawn_pictures import encoded, landscape

PICTURE = np.tile(np.linspace(10, 245, 44).astype(np.uint8), (36, 1))


@pytest.fixture
def photo(finished_run, tmp_path, monkeypatch):
    """``colourize photo`` with a trained network, in a folder with photo.png, colour.png and bad.jpg."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PICTURE).save("photo.png")
    landscape(40, 30).save("colour.png")
    (tmp_path / "bad.jpg").write_text("a text")

    def typed(*words, model=finished_run):
        monkeypatch.setattr(sys, "argv", ["colourize", "photo", *words, "--model", str(model)])
        main()

    return typed


def test_the_command_and_the_model_give_the_same_picture(photo, finished_run, capsys):
    photo("photo.png", "-o", "out.png")
    model = colourize.load(finished_run)
    with Image.open("out.png") as image:
        assert np.array_equal(image, model.colourize(PICTURE))
        name = f"{finished_run.name}/best.ckpt"
        assert image.info["Software"] == f"colourize {colourize.__version__}: colours by {name}, annealed:0.4"
    assert "1 coloured" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "threads"),
    [(["photo.png"], 0), (["photo.png", "colour.png"], 2), (["photo.png", "colour.png", "--jobs", "2"], 4),
     (["photo.png", "colour.png", "--jobs", "16"], 1)],
)  # fmt: skip
def test_pictures_in_work_share_the_cores(words, threads, photo, monkeypatch):
    def seen(model, device, trusted, given):
        raise InputError(f"{given} threads")

    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("colourize.inference.opened.opened", seen)
    with pytest.raises(SystemExit, match=f"^colourize: {threads} threads$"):
        photo(*words, "-o", "out.png" if len(words) == 1 else "out")


def test_a_network_takes_no_more_threads_than_the_user_allows(finished_run):
    before = torch.get_num_threads()
    opened(finished_run, threads=before + 1)
    assert torch.get_num_threads() == before


def test_bad_and_coloured_pictures_are_named_the_others_done_and_the_status_is_two(photo, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        photo(str(tmp_path), "-o", "out", "--json", "summary.json")
    assert ended.value.code == 2
    messages = capsys.readouterr().err
    assert "bad.jpg: not a picture of a known format" in messages
    assert (
        "colour.png is in colour already; pass --recolour" in messages and "1 in colour already (--recolour" in messages
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.png"]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["coloured"], summary["in_colour"], summary["failed"]) == (1, 1, 1)


def test_a_summary_that_cannot_be_written_is_one_line_below_the_counts(photo, tmp_path, capsys, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(files, "replace_text", full)
    with pytest.raises(SystemExit, match=r"^colourize: summary.json: No space left on device$"):
        photo("photo.png", "-o", "out.png", "--json", "summary.json")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("colourize: 1 coloured") and (tmp_path / "out.png").exists()


def test_standard_input_and_output(finished_run, tmp_path):
    command = [
        sys.executable,
        "-m",
        "colourize",
        "photo",
        "-",
        "-o",
        "-",
        "--format",
        "jpg",
        "--model",
        str(finished_run),
    ]
    done = subprocess.run(
        command, input=encoded(Image.fromarray(PICTURE)), capture_output=True, cwd=tmp_path, env=ONE_THREAD
    )
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.format == "JPEG" and image.size == (44, 36)
    assert list(tmp_path.iterdir()) == []


def test_all_choices_together(photo, tmp_path):
    (tmp_path / "hints.json").write_text('[{"x": 5, "y": 5, "colour": "#205090"}]')
    photo(
        "photo.png", "-o", "out.webp", "--size", "32", "--samples", "2", "--seed", "7", "--temperature", "0.5",
        "--saturation", "1.3", "--hint", "30,20,#c03020", "--hints", "hints.json", "--reference", "colour.png",
        "--uncertainty", "--side-by-side", "--no-metadata", "--device", "cpu", "--jobs", "1", "--max-memory", "2G",
        "--tiles", "256",
    )  # fmt: skip
    assert sorted(path.name for path in tmp_path.glob("out*")) == [
        "out.1.webp", "out.2.webp", "out.side-by-side.webp", "out.uncertainty.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.png", "-o", "x.png"], "colourize: missing.png: no such file or folder"),
        (["photo.png", "-o", "photo.png"], "colourize: photo.png is an input picture; pass another -o"),
        (["photo.png", "-o", "x.png", "--decoding", "best"], "colourize: decoding must be argmax"),
        (["photo.png", "-o", "x.png", "--size", "2"], "--size must be in [8, 8192] pixels, got 2"),
        (["photo.png", "-o", "x.png", "--format", "bmp"], "an output must end in .png"),
        (["photo.png", "-o", "x.png", "--hint", "here"], "a hint must be x,y,#rrggbb"),
        (["photo.png", "-o", "x.png", "--reference", "photo.png"], "--reference photo.png is grey"),
        (["photo.png", "-o", "x.png", "--device", "tpu"], "--device must be one of auto, cpu, cuda, mps"),
        (["photo.png", "-o", "x.png", "--samples", "0"], "--samples must be in [1, 100], got 0"),
        (["photo.png", "-o", "x.png", "--temperature", "0"], "a temperature must be in [0.001, 1000]"),
        (["photo.png", "-o", "x.png", "--max-memory", "much"], "--max-memory must be a size such as 2G"),
        (["photo.png", "-o", "-", "--samples", "2"], "standard output takes one picture"),
        (["photo.png", "-o", "x.png", "--samples", "2", "--decoding", "mean"], "--samples requires --decoding sample"),
        (["photo.png", "-o", "x.png", "--decoding", "argmax", "--temperature", "2"], "no effect on argmax"),
        (["photo.png", "-o", "x.png", "--seed", "2"], "--seed has no effect on annealed:0.4"),
        (["photo.png", "-o", "x.png", "--json", "missing/x.json"], "there is no folder missing"),
        (["photo.png", "-o", "x.png", "--json", "photo.png"], "photo.png must end in .json; pass another name"),
        (["photo.png", "-o", "x.png", "--hints", "h.json", "--json", "./h.json"], "./h.json is the file of --hints"),
        (["photo.png", "-o", "colour.png", "--reference", "colour.png"], "colour.png is a file that this command rea"),
        (["photo.png", "-o", "x.bmp"], "an output must end in .png"),
        (
            ["photo.png", "-o", "x.png", "--decoding", "annealed:0.2", "--temperature", "0.3"],
            "annealed:0.2 has a temp",
        ),
        (
            ["photo.png", "-o", "x.png", "--decoding", "annealed:0.4", "--temperature", "0.3"],
            "annealed:0.4 has a temp",
        ),
        (
            ["photo.png", "-o", "x.png", "--decoding", "sample:3", "--seed", "4"],
            "sample:3 has a seed alre",
        ),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(photo, tmp_path, capsys, words, message):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SystemExit) as ended:
        photo(*words)
    messages = str(ended.value.code) if isinstance(ended.value.code, str) else capsys.readouterr().err
    assert ended.value.code not in (0, None) and message in messages and "Traceback" not in messages
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "0"], "--size must be in"),
        (["--saturation", "11"], "--saturation must be in"),
        (["--saturation", "nan"], "--saturation must be in"),
        (["--temperature", "nan"], "a temperature must be in"),
        (["--decoding", "best"], "decoding must be"),
        (["--samples", "2", "--decoding", "mean"], "--samples requires"),
    ],
)
def test_an_option_out_of_range_is_one_line_before_the_network_is_loaded(photo, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit, match=f"^colourize: {message}.*$"):
        photo(".", "-o", "out", *words, model="missing.ckpt")
    assert not capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("model", ["photo.png", "missing.ckpt", "."])
def test_a_file_that_is_not_a_network_is_one_line(photo, model):
    with pytest.raises(SystemExit, match=r"^colourize: .*pass"):
        photo("photo.png", "-o", "x.png", model=model)


def test_without_a_model_the_network_of_the_installation_is_used(photo, finished_run, tmp_path, monkeypatch):
    from colourize.runs import shipped, weights
    from colourize.runs.trained import load

    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    with pytest.raises(SystemExit, match="this colourize comes without a network; pass a file"):
        photo("photo.png", "-o", "x.png", model="shipped")
    (tmp_path / "weights").mkdir()
    trained = load(finished_run / "checkpoints/best.ckpt")
    (tmp_path / "weights/net.safetensors").write_bytes(weights.written(trained.model, trained.config))
    photo("photo.png", "-o", "x.png", model="shipped")
    photo("photo.png", "-o", "y.png")
    with Image.open("x.png") as one, Image.open("y.png") as other:
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["--samples", "1", "--seed", "7"], "sample:7"),
        (["--temperature", "2"], "annealed:2"),
        (["--decoding", "argmax"], "argmax"),
        (["--decoding", "sample", "--temperature", "0.5"], "sample:0 at temperature 0.5"),
    ],
)
def test_the_note_names_the_decoding_that_was_used(photo, words, note):
    photo("photo.png", "-o", "out.png", *words)
    with Image.open("out.png") as image:
        assert image.info["Software"].endswith(f"best.ckpt, {note}")
