import pytest

from colourize.errors import InputError
from colourize.runs import last, manifest


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Writes a run into a folder of the working directory."""
    monkeypatch.chdir(tmp_path)

    def make(name, status, start):
        (tmp_path / name).mkdir(parents=True)
        manifest.write(tmp_path / name, status=status, start=start, overrides=["seed=1"])

    return make


def test_the_newest_interrupted_or_killed_run_is_named(made, capsys):
    made("outputs/a/1", "interrupted", "1")
    made("outputs/a/2", "running", "2")  # without a process: killed
    made("outputs/a/3", "finished", "3")
    made("outputs/a/4", "failed", "4")
    made("multirun/5", "interrupted", "5")
    assert last.named(["lr=1", "resume=last"]) == ["lr=1", "resume=outputs/a/2"]
    assert last.named(["resume='last'"]) == ["resume=outputs/a/2"]
    assert "resume=last is resume=outputs/a/2\n" in capsys.readouterr().err


def test_a_job_of_a_sweep_means_its_sweep(made):
    made("outputs/study/0", "interrupted", "1")
    (last.HOME / "study/sweep.json").write_text('{"overrides": ["seed=1,2"], "cwd": "/"}')
    assert last.named(["resume=last"]) == ["resume=outputs/study"]


def test_without_an_interrupted_run_one_line_says_so(made):
    rule = "resume=last: outputs must contain an interrupted run"
    with pytest.raises(InputError, match=f"^{rule}; pass resume=FOLDER, colourize runs lists them$"):
        last.newest()
    made("outputs/a", "failed", "1")
    with pytest.raises(InputError, match=f"^{rule}; the newest failed one is outputs/a; pass"):
        last.newest()


def test_other_command_lines_stay_as_they_are(made):
    for words in ([], ["resume=outputs/last"], ["resume=./last"], ["lr=1"]):
        assert last.named(words) == words
