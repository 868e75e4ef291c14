from pathlib import Path

import pytest

from colourize.config.folder import conf_dir
from colourize.config.lab_record import header
from tests.made_runs import run
from tests.reports import written

SAID = "# Question  Is it\n#           so?\n# Expected  yes\nkernel: 3\n# Later  no\n"
HYDRA = (
    "hydra: {{runtime: {{cwd: {0}, config_sources: [{{path: hydra.conf, schema: pkg}}, {{path: own, schema: file}}]}}}}"
)


@pytest.fixture
def chosen(tmp_path):
    """Folder of a run of an experiment in a folder that ``hydra.searchpath`` names."""
    (tmp_path / "own/experiment").mkdir(parents=True)
    (tmp_path / "own/experiment/mine.yaml").write_text(f"# @package _global_\n{SAID}")
    folder = run(tmp_path / "runs/0", experiment="mine")
    (folder / ".hydra").mkdir()
    (folder / ".hydra/hydra.yaml").write_text(HYDRA.format(tmp_path))
    return folder


def test_an_experiment_in_the_user_s_own_folder_has_its_question(chosen):
    assert header("mine", [chosen.parent, chosen]) == {"Question": "Is it so?", "Expected": "yes"}
    assert "**Question**: Is it so?" in written(chosen.parent)[1]


@pytest.mark.parametrize("name", sorted(file.stem for file in (Path(conf_dir()) / "experiment").glob("*.yaml")))
def test_every_experiment_has_a_question_a_command_an_expected_result_and_its_time(name):
    assert {"Question", "Command", "Expected", "Time"} <= header(name).keys()


@pytest.mark.parametrize("head", ["", "# @package _global_\n", "\n# @package _global_\n"])
def test_only_hydra_s_own_lines_are_dropped(chosen, head):
    (chosen.parents[1] / "own/experiment/mine.yaml").write_text(head + SAID)
    assert header("mine", [chosen]) == {"Question": "Is it so?", "Expected": "yes"}


@pytest.mark.parametrize("damage", ["", "hydra: [", "hydra: {runtime: {cwd: 5}}"])
def test_without_a_search_path_the_header_is_empty(chosen, damage):
    (chosen / ".hydra/hydra.yaml").write_text(damage)
    assert header("mine", [chosen]) == {}
    assert header("kernel", [chosen])["Command"] == "python train.py experiment=kernel"
