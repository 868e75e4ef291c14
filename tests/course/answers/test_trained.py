"""Questions that need training: the answers are the figures on the committed pages."""

import re
import sys
from pathlib import Path

import pytest

from colourize.cli.main import main
from colourize.course.answers import chosen, trained
from colourize.training.batches import Batches
from tests.printed_answers import at, formulas, printed

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize(("pictures", "batch"), [(5, 2), (6, 3), (7, 10)])
def test_5_5_counts_the_updates_of_training(pictures, batch):
    updates = formulas(printed("5.5"))["updates"]
    assert at(updates, E=2, N=pictures, B=batch) == 2 * len(list(Batches(pictures, batch, 0)))
    assert "3,925 for B = 32 and 250 for B = 512" in " ".join(" ".join(printed("5.5")).split())


@pytest.mark.parametrize("number", chosen.MODULES["trained"])
def test_the_measured_figures_are_on_the_committed_page(number):
    text = " ".join(" ".join(printed(number)).split())
    values = re.findall(r"\d\.\d{3} ± 0\.\d{3}", text.partition("Measured ")[2])
    page = (ROOT / re.search(r"docs/studies/\w+\.md", text)[0]).read_text()
    assert values
    assert all(value in page for value in values)


@pytest.mark.parametrize(
    ("number", "networks"),
    [("4.2", 1), ("5.2", 2), ("5.3", 2), ("6.2", 2)],
)
def test_only_the_networks_of_the_question_are_named(number, networks):
    output = " ".join(printed(number)).partition("Measured ")[2]
    assert len(re.findall(r"\w+Net\b", output)) == networks


@pytest.mark.parametrize("number", sorted(trained.ANSWERS))
def test_a_study_s_file_without_an_expected_result_is_a_bug_and_keeps_its_traceback(monkeypatch, number):
    monkeypatch.setattr(trained, "header", lambda study: {"Question": "?"})
    monkeypatch.setattr(sys, "argv", ["colourize", "answers", number])
    with pytest.raises(RuntimeError, match=r"^conf/experiment/\w+\.yaml must have a line '# Expected"):
        main()
