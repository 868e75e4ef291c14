"""``colourize answers``: the questions, and the form of the printed answers."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from colourize.cli.main import main
from colourize.config.folder import conf_dir
from colourize.course.answers import chosen as command
from tests.printed_answers import printed

ROOT = Path(__file__).parent.parent.parent.parent
NUMBERS = sorted(command.QUESTIONS, key=command._order)


def test_every_module_answers_its_questions():
    for module, numbers in command.MODULES.items():
        assert tuple(importlib.import_module(f"colourize.course.answers.{module}").ANSWERS) == numbers


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["4.3"], ["4.3"]), (["2"], ["2.1", "2.2.1", "2.3.2"]), (["2.2"], ["2.2.1"]), ([], NUMBERS),
        (["4", "1.1."], ["1.1.1", "4.2", "4.3"]),
    ],
)  # fmt: skip
def test_a_part_names_all_its_questions_and_the_order_is_the_assignments(asked, chosen):
    assert command.chosen(asked) == chosen


@pytest.mark.parametrize("question", ["7", "1.1.1.1", "", ".", "3.10", "x"])
def test_an_unknown_question_gives_a_one_line_error(question, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "answers", question])
    with pytest.raises(SystemExit) as caught:
        main()
    message = f"question must be one of {', '.join(NUMBERS)}, or a part such as 2; got {question!r}"
    assert str(caught.value) == f"colourize: {message}"
    assert capsys.readouterr().out == ""


def test_the_command_prints_one_answer_or_several(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "answers", "5.4", "3.1"])
    main()
    assert capsys.readouterr().out.splitlines() == [*printed("3.1"), "", *printed("5.4"), ""]


@pytest.mark.parametrize("question", ["3.1", "5.4", "5.5"])
def test_answers_without_torch_do_not_import_it(question):
    script = (
        "import sys; sys.argv[1:] = ['answers', sys.argv[1]]\n"
        "from colourize.cli.main import main; main()\n"
        "heavy = 'torch', 'pytorch_lightning', 'matplotlib', 'sklearn'\n"
        "print('HEAVY', [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, question], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.endswith("HEAVY []\n"), done.stdout + done.stderr


@pytest.mark.parametrize("number", NUMBERS)
def test_an_answer_is_short_and_names_existing_files(number):
    lines = printed(number)
    assert len(lines) <= 22
    assert all(len(line) <= 100 for line in lines)
    more = [line.removeprefix("  more: ") for line in lines if line.startswith("  more: ")]
    assert more
    for named in more:
        assert re.match(r"colourize (theory demo=|describe )|python train.py experiment=|docs/studies/", named)
        if chosen := re.search(r"(demo|experiment)=(\w+)", named):
            assert Path(conf_dir(), chosen[1], f"{chosen[2]}.yaml").is_file()
        for file in re.findall(r"docs/\S+\.(?:md|yaml)", named):
            assert (ROOT / file).is_file()
