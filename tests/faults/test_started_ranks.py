"""Ranks that others have started, as torchrun and srun do: sweeps, different command lines, ports and addresses."""

import os
import signal
import socket
import time

import pytest
import torch

from colourize.runs import manifest
from colourize.training.distributed import member, place
from tests.faults import probes
from tests.faults.states import assert_identical, saved
from tests.ranks import SCENES

pytestmark = pytest.mark.slow
WORDS = *SCENES, "batch_size=4"


def as_rank(rank, port, reached=20, host="127.0.0.1"):
    """A probe: the environment of a rank on this machine, as torchrun sets it."""
    os.environ |= {
        "TORCHELASTIC_RUN_ID": "none", "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": host, "MASTER_PORT": str(port), "TORCH_CPP_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    member.REACHED, place.num_cores = reached, lambda: 2


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def ranks(start, tmp_path, cache, port):
    """Starts two ranks, the second with more words."""

    def begin(*words, more=()):
        both = (words, (*words, *more))
        return [start(*each, cache, cwd=tmp_path, probe=as_rank, given=(rank, port)) for rank, each in enumerate(both)]

    return begin


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            ["seed=1"],
            "rank 1 was started with seed=1, rank 0 with nothing else; start every rank with the same command",
        ),
        (
            ["--multirun"],
            "rank 1 was started with --multirun, rank 0 with nothing else; start every rank with the same",
        ),
    ],
)
def test_ranks_with_different_command_lines_are_refused(ranks, tmp_path, more, line):
    first, second = ranks(*WORDS, "hydra.run.dir=run", more=more)
    assert (first.wait(60), second.wait(60)) == (1, 1)
    assert f"colourize: {line}" in first.stderr() and "Traceback" not in first.stderr() + second.stderr()
    assert not (tmp_path / "run").exists() and not (tmp_path / "multirun").exists()


def test_jobs_side_by_side_are_refused(ranks, tmp_path):
    first, second = ranks("--multirun", *WORDS, "seed=0,1", "hydra.sweep.dir=sweep", "hydra/launcher=joblib")
    assert (first.wait(120), second.wait(60)) == (1, 1)
    assert "torchrun started ranks, which train one job at a time; leave hydra/launcher out" in first.stderr()
    assert not (tmp_path / "sweep/0").exists()


def test_a_port_in_use_is_one_line(start, tmp_path, port):
    with socket.socket() as used:
        used.bind(("127.0.0.1", port))
        used.listen()
        process = start(*WORDS, cwd=tmp_path, probe=as_rank, given=(0, port))
        assert process.wait(60) == 1
    assert process.stderr().splitlines() == [
        f"colourize: port {port} of 127.0.0.1 is in use or not allowed; pass torchrun another --master-port"
    ]


def test_an_address_that_nobody_answers_is_one_line_within_bounds(start, tmp_path, port):
    begin = time.monotonic()
    process = start(*WORDS, cwd=tmp_path, probe=as_rank, given=(1, port, 2))
    assert process.wait(60) == 1 and time.monotonic() - begin < 40
    (line,) = process.stderr().splitlines()
    assert line.startswith(
        f"colourize: rank 1 has not reached rank 0 at 127.0.0.1:{port} within 2 s; check that rank 0"
    )


@pytest.fixture(scope="module")
def single(tmp_path_factory, cache):
    """Folders of two runs with two ranks each."""
    from tests.faults.processes import Process

    folder = tmp_path_factory.mktemp("single")
    for seed in (0, 1):
        words = *WORDS, cache, "devices=2", f"seed={seed}", f"hydra.run.dir={seed}"
        assert Process(*words, cwd=folder, probe=two_cores).wait() == 0
    return folder


def two_cores():
    place.num_cores = lambda: 2


def two_cores_in_parallel_jobs():
    two_cores()
    probes.end_loky()


def test_a_sweep_under_torchrun_equals_single_runs(ranks, tmp_path, single):
    for process in ranks("--multirun", *WORDS, "seed=0,1", "hydra.sweep.dir=sweep"):
        assert process.wait() == 0, process.stderr()
    for seed in "01":
        assert_identical(single / seed, tmp_path / "sweep" / seed)


def test_a_grid_equals_single_runs(start, tmp_path, cache, single):
    words = *WORDS, cache, "devices=2", "seed=0,1", "hydra.sweep.dir=sweep"
    assert start("--multirun", *words, cwd=tmp_path, probe=two_cores).wait() == 0
    for seed in "01":
        assert_identical(single / seed, tmp_path / "sweep" / seed)


def test_a_trial_of_a_search_is_all_ranks_and_equals_a_single_run(start, tmp_path, cache, single):
    words = *WORDS, cache, "devices=2", "seed=choice(0,1)", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2"
    process = start("--multirun", *words, "hydra.sweep.dir=sweep", cwd=tmp_path, probe=two_cores)
    assert process.wait() == 0, process.stderr()
    for number in "01":
        seed = str(manifest.read(tmp_path / "sweep" / number)["config"]["seed"])
        assert_same_weights(single / seed, tmp_path / "sweep" / number)


def test_jobs_of_joblib_with_ranks_equal_single_runs(start, tmp_path, cache, single, request):
    if not request.config.getoption("--all", default=False):
        pytest.skip("four new interpreters: with --all")
    words = *WORDS, cache, "devices=2", "seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"
    process = start("--multirun", *words, "hydra.sweep.dir=sweep", cwd=tmp_path, probe=two_cores_in_parallel_jobs)
    assert process.wait() == 0, process.stderr()
    for seed in "01":
        assert_same_weights(single / seed, tmp_path / "sweep" / seed)


def assert_same_weights(first, second):
    one, other = (saved(folder)["state_dict"] for folder in (first, second))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.case(35)
@pytest.mark.parametrize(("lost", "signum"), [(0, signal.SIGKILL), (1, signal.SIGKILL), (0, signal.SIGSTOP)])
def test_35_of_ranks_that_others_have_started_none_is_left(ranks, tmp_path, lost, signum):
    both = ranks(*WORDS, "max_epochs=4000", "save_every=2", "hydra.run.dir=run")
    both[0].wait_for((tmp_path / "run/checkpoints/last.ckpt").exists)
    both[lost].signal(signum)
    assert both[1 - lost].wait(60) == 1
    assert f"colourize: rank {lost} " in both[1 - lost].stderr() and "Traceback" not in both[1 - lost].stderr()
