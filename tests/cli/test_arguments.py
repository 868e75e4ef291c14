"""The parser of the command line: help, errors, completion. Nothing is measured or trained."""

import subprocess
import sys

import pytest

from colourize.cli.commands import parser
from colourize.cli.main import main
from tests.commands import ONE_THREAD, ROOT

NAMES = parser()[1]


def made_parsers():
    """The parser of each command by its name."""
    return next(action.choices for action in parser()[0]._actions if isinstance(action.choices, dict))


@pytest.mark.parametrize("words", [["--help"], ["evaluate", "--help"], ["--print-completion", "bash"]])
def test_help_and_completion_import_no_library_of_training(words, tmp_path):
    script = (
        "import sys, atexit\n"
        "heavy = 'torch', 'pytorch_lightning', 'hydra', 'omegaconf', 'numpy', 'matplotlib', 'rich'\n"
        "atexit.register(lambda: print('HEAVY', [name for name in heavy if name in sys.modules]))\n"
        "from colourize.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True, text=True,
                          env={**ONE_THREAD, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0 and done.stdout.endswith("HEAVY []\n"), done.stdout[-200:] + done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["evaluat"], "got 'evaluat'; did you mean evaluate?"),
        (["evaluate"], "colourize: the following arguments are required: RUN; see colourize evaluate --help"),
        (
            ["photo", "a.png", "-o", "b.png", "--modle", "x"],
            "unrecognized arguments: --modle x; did you mean --model?; see colourize photo --help",
        ),
        (["runs", "--jsno"], "unrecognized arguments: --jsno; did you mean --json?; see colourize runs --help"),
        (["describe", "--json", "--markdown"], "not allowed with argument --json; see colourize describe --help"),
        (["theory", "study=minimum_norm"], "colourize: study is now demo: pass demo=minimum_norm"),
        (["theory", "study.eta=0.1"], "colourize: study is now demo: pass demo.eta=0.1"),
    ],
)
def test_an_error_of_the_arguments_is_one_line_and_status_1(words, line, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["colourize", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    text = str(caught.value)  # a text as the code makes Python print it on standard error, and exit with 1
    assert text.startswith("colourize: ") and text.endswith(line) and "\n" not in text


def test_the_former_name_of_decode_curve_is_an_alias():
    made = parser()[0]
    new, old = (made.parse_args([name, "RUN", "--keep-grey"]) for name in ("decode-curve", "decode-sweep"))
    assert vars(new) == vars(old)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("evaluate", ["--size", "128"]),
        ("decode-curve", ["--keep-grey"]),
        ("calibrate", ["--figure", "a=b.png"]),
        ("hints", ["--json", "a.json"]),
        ("export", ["-o", "a.onnx"]),
        ("push", ["--private"]),
        ("describe", ["--json"]),
    ],
)
def test_values_and_options_come_in_any_order(name, option):
    made = parser()[0]
    words = [*{"describe": [], "push": ["RUN", "USER/NAME"]}.get(name, ["RUN"]), "data.root=DIR", "seed=1"]
    in_order = made.parse_args([name, *words, *option])
    for place in range(len(words)):
        assert vars(made.parse_args([name, *words[:place], *option, *words[place:]])) == vars(in_order)


def test_every_command_that_takes_values_is_in_the_test_above():
    taking = {name for name, made in made_parsers().items() if "NAME=VALUE" in made.format_help()}
    (cases,) = (mark.args[1] for mark in test_values_and_options_come_in_any_order.pytestmark)
    assert taking - {"decode-sweep"} == {name for name, _ in cases}


def test_a_command_may_have_commands_below_it():
    given = parser()[0].parse_args(["palette", "import", "FILE", "OUT"])
    assert (str(given.file), str(given.out)) == ("FILE", "OUT")


def test_a_file_whose_name_starts_with_a_dash_follows_two_dashes():
    given = parser()[0].parse_args(["photo", "-o", "OUT", "--", "-scan.jpg", "--overwrite"])
    assert given.inputs == ["-scan.jpg", "--overwrite"] and not given.overwrite


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("colourize ev", "evaluate"),
        ("colourize evaluate --cal", "--calibrated"),
        ("colourize train model=un", "model=unet"),
        ("colourize theory demo=mini", "demo=minimum_norm"),
    ],
)
def test_the_script_for_bash_completes_our_arguments_and_hydra_s(line, offered, tmp_path):
    written = subprocess.run([sys.executable, "-m", "colourize", "--print-completion", "bash"], cwd=tmp_path,
                             capture_output=True, text=True, env={**ONE_THREAD, "PYTHONPATH": str(ROOT)})  # fmt: skip
    script = (
        f'{written.stdout}\ncolourize() {{ {sys.executable} -m colourize "$@"; }}; compopt() {{ :; }}\n'
        f"COMP_LINE='{line}'; COMP_POINT={len(line)}; COMP_WORDS=({line}); COMP_CWORD={len(line.split()) - 1}\n"
        '_colourize_with_hydra; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          env={**ONE_THREAD, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert offered in done.stdout.split(), done.stdout + done.stderr


def test_every_command_has_a_line_in_the_list_of_commands(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    listed = capsys.readouterr().out.partition("\n  COMMAND\n")[2]
    assert NAMES and all(f"    {name} " in listed or f"({name})" in listed for name in NAMES)
