"""``colourize prepare`` as typed on the command line."""

import sys

import pytest

from colourize.cli.main import main
from colourize.data.shards.source import load
from tests.textured import save, textured


def typed(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["colourize", "prepare", *map(str, words)])
    main()


def test_the_output_states_the_counts_and_the_command_to_train(tmp_path, monkeypatch, capsys):
    for seed in range(8):
        save(textured(seed), tmp_path / "in" / f"{seed}.png")
    save(textured(9).convert("L"), tmp_path / "in/grey.png")
    (tmp_path / "in/\x1b[31m.png").write_text("not a picture")
    typed(monkeypatch, tmp_path / "in", "-o", tmp_path / "out", "--side", 24, "--jobs", 1)
    said = capsys.readouterr()
    assert "8 of 10 picture files are kept" in said.out
    assert "dropped: 1 grey" in said.out and "  grey.png: 99 %" in said.out
    assert "\x1b" not in said.out and "not a picture of a known format" in said.out
    assert "a network must beat the look-up table in colour_space=rgb: cross-entropy" in said.out
    assert f"python train.py data=folder data.root={tmp_path / 'out'}" in said.out
    assert said.err == ""


def test_the_shards_of_a_preparation_train(tmp_path, monkeypatch, capsys):
    for seed in range(8):
        save(textured(seed), tmp_path / "in" / f"{seed}.png")
    words = "--side", 24, "--jobs", 1, "--test", 0
    typed(monkeypatch, tmp_path / "in", "-o", tmp_path / "out", *words, "--shards", tmp_path / "shards")
    said = capsys.readouterr().out
    assert f"8 pictures are in 2 shards (0.0 MB) in {tmp_path / 'shards'}" in said
    assert f"python train.py data=shards data.root={tmp_path / 'shards'} image_size=24" in said
    pictures = load(tmp_path / "shards", image_size=24, cache_dir=tmp_path / "cache")
    assert len(pictures.train) + len(pictures.validation) == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing", "-o", "out"], "missing does not exist (looked at"),
        (["in", "-o", "out", "--jobs", "0"], "--jobs must be >= 1, got 0"),
        (["in", "-o", "in/out"], "must neither be in in nor contain it"),
        (["in", "-o", "file"], "-o file is a file; pass a folder"),
        (["in", "-o", "out", "--shards", "out/x"], "--shards out/x must neither be in out nor contain it"),
        (["in", "-o", "out", "--shard-size", "0"], "--shard-size must be >= 1, got 0"),
        (["in"], "the following arguments are required: -o/--output"),
        (["in", "-o", "out"], "no picture is left of 1 in in (1 unreadable), but training needs 2; add pictures"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_text("not a picture")
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words)
    message = str(caught.value)
    assert message.startswith("colourize: ") and said in message and "\n" not in message
