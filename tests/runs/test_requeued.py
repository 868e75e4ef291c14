import json

import pytest

from colourize.runs import manifest, requeued

WORDS = ["model=unet", "seed=1"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working directory of a job that Slurm has requeued, with three earlier runs of it and one of another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    for name, job, start, words in (
        ("outputs/a", "7", "1", WORDS), ("outputs/b", "7", "2", ["model=unet"]), ("outputs/c", "8", "3", WORDS),
        ("multirun/d/0", "7", "4", WORDS),
    ):  # fmt: skip
        (tmp_path / name).mkdir(parents=True)
        manifest.write(tmp_path / name, job=job, start=start, overrides=words)
    (tmp_path / "multirun/d/sweep.json").write_text(json.dumps({"overrides": ["model=unet", "seed=1,2"]}))
    return tmp_path


def test_a_requeued_job_continues_in_the_folder_of_the_same_command(home, capsys):
    assert requeued.named(WORDS) == [*WORDS, "hydra.run.dir='outputs/a'"]
    assert capsys.readouterr().err == "colourize: Slurm has requeued job 7; it continues in outputs/a\n"
    assert requeued.named(["model=unet"]) == ["model=unet", "hydra.run.dir='outputs/b'"]


def test_parts_to_freeze_without_brackets_are_the_same_command(home):
    manifest.write(home / "outputs/c", job="7", start="5", overrides=["model=unet", "freeze=[first,2]"])
    words = ["model=unet", "freeze=first,2"]
    assert requeued.named(words) == [*words, "hydra.run.dir='outputs/c'"]


def test_so_does_a_sweep(home):
    words = ["--multirun", "seed=1,2", "model=unet"]
    assert requeued.named(words) == [*words, "hydra.sweep.dir='multirun/d'"]


@pytest.mark.parametrize("words", [["hydra.run.dir=x"], ["resume=x"], ["seed=5"]])
def test_a_named_folder_and_another_command_stay(home, words):
    assert requeued.named([*WORDS, *words]) == [*WORDS, *words]


@pytest.mark.parametrize("variable", ["SLURM_JOB_ID", "SLURM_RESTART_COUNT"])
def test_nothing_is_added_outside_of_a_requeued_job(home, monkeypatch, variable):
    monkeypatch.delenv(variable)
    assert requeued.named(WORDS) == WORDS
