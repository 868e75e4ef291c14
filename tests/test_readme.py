"""The README is executed: every command in it, in a small setting."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from colourize.cli.main import main
from colourize.cli.train import train
from colourize.course.answers.chosen import chosen
from tests import films

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.strip()
]
SMALL = ["num_filters=2", "max_epochs=1", "hydra/job_logging=none", "hydra/hydra_logging=none"]


def test_the_first_command_comes_early_and_the_page_is_short():
    assert README.splitlines().index("make train") < 20
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize(
    "term", ["palette", "knob", "run", "run folder", "checkpoint", "floor", "ceiling", "skill", "sweep", "study"]
)
def test_a_term_is_defined_where_it_first_occurs(term):
    """A definition is *emphasised*, or a comment like "# a study: ..."; code does not count."""
    text = re.sub(r"`[^`\n]*`|\]\([^)]*\)|```python.*?```", "", README, flags=re.S)
    first = re.search(rf"\b{term}s?\b", text, re.I)
    defined = re.search(rf"\*{term}s?\*|# an? {term}:", text, re.I)
    assert defined and defined.start() <= first.start()


def test_every_file_named_in_the_readme_exists():
    named = re.findall(r"(?:`|\]\()((?:conf|colourize|docs|tests|benchmarks)/[\w./-]+)", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_python_of_the_readme_colours_a_picture(finished_run, tmp_path, monkeypatch):
    (program,) = re.findall(r"```python\n(.*?)```", README, re.S)
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").save("photo.png")
    exec(program, {})
    with Image.open("coloured.png") as coloured:
        assert (coloured.mode, coloured.size) == ("RGB", (256, 256))
        assert len(coloured.getcolors(256 * 256)) > 1


def check_result(path):
    """A picture or film has pixels that differ, a page its end, an exported network the graph that it names."""
    match path.suffix:
        case ".png" | ".jpg":
            with Image.open(path) as picture:
                assert len(picture.convert("RGB").resize((64, 64)).getcolors(64 * 64)) > 1
        case ".mp4":
            _, frames = films.shown(path)
            assert len(frames) == len(films.grey_frames()) and np.ptp(frames[0]) > 0
        case ".html":
            assert path.read_text().rstrip().endswith("</html>")
        case ".onnx":
            onnx.checker.check_model(path)
        case other:
            raise AssertionError(f"no check of {other}")


def check_outputs(words):
    for word in words:
        if word.startswith("out."):
            check_result(Path(word))


def small(words, cifar_archive, picture_folder, finished_run):
    """The command's words, with overrides that make it small."""
    words = [f"data.root={picture_folder}" if word.startswith("data.root=") else word for word in words]
    words = [word for word in words if not word.startswith(("image_size=", "max_epochs=", "num_colours="))]
    if any(word.startswith("resume=") for word in words):
        shutil.copytree(finished_run, "mine")
        return ["resume=mine", "max_epochs=3", "hydra/job_logging=none", "hydra/hydra_logging=none"]
    if "data=scenes" in words:
        filters = [] if "model=lookup" in words else ["num_filters=2"]
        return [*words, *filters, *SMALL[1:], "data.num_train=20", "data.num_validation=4", "num_colours=4"]
    if "experiment=photographs" in words:
        return [*words, *SMALL[1:], "num_colours=4", "image_size=64", "augment.size=64", "batch_size=2"]
    if "data=folder" in words:
        return [*words, *SMALL, "image_size=8", "num_colours=4"]
    fewer = {"experiment=batch_size": ["seed=0"], "experiment=search": ["hydra.sweeper.n_trials=2"]}
    jobs = [word for name, shorter in fewer.items() if name in words for word in shorter]
    return [*words, *SMALL, *jobs, f"data.root={cifar_archive[0]}", "num_colours=4"]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_runs(
    command, cifar_archive, picture_folder, finished_run, held_out_run, no_figures, tmp_path, monkeypatch, capsys
):
    words = shlex.split(command, comments=True)
    monkeypatch.chdir(tmp_path)
    match words:
        case ["make", *targets]:
            subprocess.run(["make", "-n", *targets], cwd=ROOT, check=True, capture_output=True)
        case ["python", "train.py", "--help"]:
            monkeypatch.setattr(sys, "argv", words[1:])
            with pytest.raises(SystemExit, match="0"):
                train()
        case ["python", "train.py", *rest]:
            monkeypatch.setattr(sys, "argv", ["train.py", *small(rest, cifar_archive, picture_folder, finished_run)])
            train()
            assert "checkpoints/last.ckpt" in capsys.readouterr().out
        case ["colourize", "describe" | "theory" as verb, *_]:
            few = ["demo.steps=100"] if "demo=minimum_norm" in words else []  # docs/theory.md is tested with all steps
            monkeypatch.setattr(sys, "argv", [*words, *few])
            main()
            assert {"describe": "UNet (num_filters 32,", "theory": "figure.png"}[verb] in capsys.readouterr().out
        case ["colourize", "answers"]:
            monkeypatch.setattr("colourize.course.answers.optimization.STEPS", 40)  # all: tests/course/answers
            monkeypatch.setattr(sys, "argv", words)
            main()
            assert re.findall(r"^\d\S+", capsys.readouterr().out, re.M) == chosen([])
        case ["colourize", "prepare", "pictures", *rest]:
            monkeypatch.setattr(sys, "argv", ["colourize", "prepare", str(picture_folder), *rest, "--side", "8"])
            main()
            assert "train with: python train.py data=folder" in capsys.readouterr().out
        case ["colourize", "photo" | "film" as verb, name, "-o", result, *model]:
            if model:
                shutil.copytree(finished_run, "outputs/ours")
            films.make(name, films.grey_frames()) if verb == "film" else Image.linear_gradient("L").save(name)
            monkeypatch.setattr(sys, "argv", words)
            main()
            check_result(Path(result))
        case ["colourize", "export", "outputs/ours", "-o", result]:
            shutil.copytree(finished_run, "outputs/ours")
            monkeypatch.setattr(sys, "argv", words)
            main()
            check_result(Path(result))
            assert Path(f"{result}.md").read_text().startswith(f"# {result}\n")
        case ["colourize", "runs"]:
            shutil.copytree(finished_run, "outputs/mine")
            monkeypatch.setattr(sys, "argv", words)
            main()
            assert "1 run, in the order" in capsys.readouterr().out
        case ["colourize", "report", folder]:
            shutil.copytree(finished_run, Path(folder) / "0")
            monkeypatch.setattr(sys, "argv", words)
            main()
            assert "1 job, 1 finished" in capsys.readouterr().out
        case ["colourize", "calibrate", "outputs/mine", *rest]:
            monkeypatch.setattr(sys, "argv", ["colourize", "calibrate", str(held_out_run), *rest])
            main()
            assert "last.temperature.json" in capsys.readouterr().out
            check_outputs(rest)
        case ["colourize", "decode-curve", "outputs/mine", *rest]:
            monkeypatch.setattr(sys, "argv", ["colourize", "decode-curve", str(finished_run), *rest])
            main()
            assert "PSNR, dB: best with" in capsys.readouterr().out
            check_outputs(rest)
        case ["colourize", "evaluate", *rest]:
            mine = [
                str(finished_run) if word in ("outputs/mine", "outputs/ours", "multirun") else word for word in rest
            ]
            few = ["data.num_train=20", "data.num_validation=4"] if "data=scenes" in rest else []
            monkeypatch.setattr(sys, "argv", ["colourize", "evaluate", *mine, *few])
            main()
            assert "look-up table" in capsys.readouterr().out
            check_outputs(rest)
        case ["eval", inner]:
            program, *rest = shlex.split(inner.removeprefix("$(").removesuffix(")"))
            start = [sys.executable] if program == "python" else [sys.executable, "-m", program]
            done = subprocess.run([*start, *rest], cwd=ROOT, check=True, capture_output=True, text=True)
            assert "hydra_bash_completion" in done.stdout
        case _:
            pytest.fail(f"no one checks {command!r}")
