"""The commands as typed, each in its own process; tests of the start use a new interpreter."""

import csv
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer
from PIL import Image

from colourize import load
from colourize.config.page import page
from tests.commands import ONE_THREAD, ROOT, run, typed
from tests.conftest import QUICK, TINY
from tests.faults.processes import Process


@pytest.fixture
def start(tmp_path):
    """Starts ``python train.py WORDS`` in a forked process that has already imported everything; see ``Process``."""
    begun = []

    def begin(*words, **settings):
        begun.append(Process(*words, cwd=tmp_path, **settings))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()


def test_a_run_writes_its_folder_and_tells_where(start, tmp_path):
    done = start(*QUICK, f"hydra.run.dir={tmp_path / 'mine'}", figures=True)
    assert done.wait(300) == 0, done.stderr()
    for name in ("pictures.png", "curves.png", "metrics.csv", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        assert str(tmp_path / "mine" / name) in done.stdout()
        if name.endswith(".png"):
            with Image.open(tmp_path / "mine" / name) as drawn:
                assert len(np.unique(np.asarray(drawn.convert("L")))) > 10
        elif name.endswith(".ckpt"):
            assert load(tmp_path / "mine" / name).palette.shape == (4, 3)
    with (tmp_path / "mine/metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    assert json.loads((tmp_path / "mine/run.json").read_text())["status"] == "finished"
    assert (tmp_path / "mine/.hydra/config.yaml").exists()


@pytest.mark.slow
def test_a_sweep_continues_after_a_failed_job_and_names_it(start, tmp_path):
    done = start("--multirun", *TINY, "batch_size=8", "max_epochs=1", "kernel=3,0,5", "hydra.sweep.dir=sweep")
    assert done.wait(300) == 1
    assert "Traceback" not in done.stdout() + done.stderr()
    assert "job 1" in done.stdout()
    assert "kernel must be >= 1, got 0" in done.stdout()
    states = [json.loads((tmp_path / f"sweep/{job}/run.json").read_text())["status"] for job in range(3)]
    assert states == ["finished", "failed", "finished"]


@pytest.mark.slow
def test_an_experiment_alone_is_a_sweep(start, tmp_path):
    words = *TINY, "max_epochs=1", "batch_size=8,16", "seed=0", "hydra.sweep.dir=study"
    done = start("experiment=batch_size_linear", *words)
    assert done.wait(300) == 0, done.stderr()
    for job, steps, rate in ((0, "3", 0.00008), (1, "2", 0.00016)):
        with (tmp_path / f"study/{job}/metrics.csv").open() as file:
            assert [(row["step"], float(row["lr"])) for row in csv.DictReader(file)] == [(steps, pytest.approx(rate))]
    assert len(list((tmp_path / "data/cache").glob("palette-*.npy"))) == 1  # shared between the jobs


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["kernl=3"], "colourize: kernl is not a knob; did you mean kernel?"),
        (["max_epochs", "3"], "colourize: max_epochs has no value; pass max_epochs=VALUE"),
        (["=3"], "colourize: =3 has no name; pass NAME=3"),
        (["lr="], "colourize: lr must be a number or auto, got nothing; pass lr=0.001"),
        (["kernel="], "colourize: kernel must be an integer, got nothing; pass kernel=3"),
        (["model="], "colourize: model= is unknown; pass one of convtranspose, "),
        (["resume="], "colourize: resume= names no folder; pass resume=FOLDER, or resume=last for the newest"),
        (["data.num_trian=5"], "colourize: data.num_trian is not a knob; did you mean data.num_train?"),
        (["data.root=~/x"], "quote characters that are special to Hydra"),
        (
            ["model=vnet"],
            "colourize: model=vnet is unknown; did you mean unet? pass one of convtranspose, encoder_unet, lookup",
        ),
        (["kernel=abc"], "colourize: kernel must be an integer, got abc"),
        (["data.num_train=5"], "data.num_train is not a knob; conf/data/ lists the values of each option"),
        ([*TINY, "kernel=0"], "kernel must be >= 1, got 0; pass kernel=3"),
        ([*TINY, "classes=hourse"], "'hourse': unknown class; pass some of meadow"),
        ([*TINY, "palette=short.npy"], "palette=short.npy contains 3 colours but num_colours=4; pass num_colours=3"),
        ([*TINY, "num_colours=9999"], "distinct colours; pass num_colours="),
        ([*TINY, "hydra.run.dir=file/run"], "file/run: Not a directory"),
        (
            ["data=folder", "data.root=empty"],
            "root=empty contains no picture files such as .jpg or .png (looked at HERE/empty); "
            "pass a folder of pictures",
        ),
        (["data=folder", "data.root=unreadable", "image_size=8"], "0 readable pictures to train"),
        (["data=folder"], "data.root has no value; pass data.root="),
    ],
)
def test_bad_input_is_one_line_and_a_non_zero_exit(tmp_path, monkeypatch, capsys, arguments, messages):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for split in ("train", "test"):
        (tmp_path / "unreadable" / split).mkdir(parents=True)
        (tmp_path / "unreadable" / split / "a.png").write_bytes(b"no picture")
    np.save(tmp_path / "short.npy", np.zeros((3, 3), np.float32))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *arguments)
    assert capsys.readouterr().err == ""
    message = str(caught.value)  # which Python prints on standard error, and exits with 1
    assert message.startswith("colourize: ")
    assert messages.replace("HERE", str(tmp_path)) in message
    assert "\n" not in message


def test_a_process_ends_with_only_the_line_and_status_1(start, tmp_path):
    done = start("data=folder", "data.root=missing")
    assert done.wait(300) == 1
    place = f"(looked at {tmp_path / 'missing'})"
    assert (
        done.stderr()
        == f"colourize: data.root=missing does not exist {place}; pass data.root=DIR, the folder of the pictures\n"
    )


def test_help_is_the_page_of_knobs(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.strip() == page().strip()


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["-sc", "query=bash"]])
def test_help_and_completion_import_nothing_heavy(tmp_path, arguments):
    script = (
        "import sys, runpy, atexit\n"
        "heavy = 'torch', 'pytorch_lightning', 'torchvision', 'numpy', 'sklearn', 'matplotlib', 'rich'\n"
        "atexit.register(lambda: print('HEAVY', [name for name in heavy if name in sys.modules]))\n"
        f"runpy.run_path({str(ROOT / 'train.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=tmp_path, capture_output=True, text=True,
                          env={**ONE_THREAD, "COMP_LINE": "python train.py ", "COMP_POINT": "16",
                               "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_completion_offers_options_and_knobs(tmp_path):
    for line, offered in (("python train.py model=", "model=unet"), ("python train.py ker", "kernel=")):
        environment = {**ONE_THREAD, "COMP_LINE": line, "COMP_POINT": str(len(line))}
        done = subprocess.run([sys.executable, ROOT / "train.py", "-sc", "query=bash"], cwd=tmp_path, text=True,
                              capture_output=True, env=environment)  # fmt: skip
        assert offered in done.stdout.split(), (done.stdout, done.stderr)


def test_completion_of_the_console_command_knows_its_commands(tmp_path):
    command = (sys.executable, "-m", "colourize", "-sc", "query=bash")
    for line, offered in (("colourize tr", "train"), ("colourize train model=", "model=unet")):
        environment = {**ONE_THREAD, "COMP_LINE": line, "COMP_POINT": str(len(line))}
        done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, env=environment)
        assert offered in done.stdout.split(), (done.stdout, done.stderr)


def test_an_interrupted_run_prints_a_message(start, tmp_path):
    process = start(*TINY, "max_epochs=100000", "hydra.run.dir=run")
    process.wait_for((tmp_path / "run/metrics.csv").exists, 300)
    process.signal(signal.SIGINT)
    assert process.wait() == 130
    assert json.loads((tmp_path / "run/run.json").read_text())["status"] == "interrupted"


def test_the_console_command_names_its_commands_and_version(tmp_path):
    """That it trains: tests/test_wheel.py."""
    command = (sys.executable, "-m", "colourize")
    assert run("--version", cwd=tmp_path, command=command).stdout.count(".") == 2
    unknown = run("trian", cwd=tmp_path, command=command)
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("colourize: the command must be one of train, ")
    assert unknown.stderr.endswith("got 'trian'; did you mean train?\n")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["describe", "model=unet", "num_filters=4"], "UNet"),
        (["evaluate", "lookup", "data=scenes", "data.num_train=40", "data.num_validation=8", "image_size=8"], "skill"),
    ],
)
def test_a_command_composes_the_knobs_itself(start, arguments, printed):
    """In a new process no other command has registered the schema in Hydra."""
    verb, *words = arguments
    done = start(*words, verb=verb, probe=nothing_registered)
    assert (done.wait(), done.stderr()) == (0, "")
    assert printed in done.stdout()


def nothing_registered():
    del ConfigStore.instance().repo["schema.yaml"]
    for name in [name for name in BaseContainer._resolvers if name.startswith("colourize.")]:
        OmegaConf.clear_resolver(name)
