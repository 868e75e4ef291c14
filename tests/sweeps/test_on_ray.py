"""Jobs on Ray: two raylets on this machine, one killed with all its processes; a search; a signal; bad input."""

import os
import shlex
import signal
import sys
from types import SimpleNamespace

import psutil
import pytest

from colourize.errors import InputError
from colourize.runs import manifest
from colourize.sweeps import on_ray
from tests.faults.processes import SMALL, Process
from tests.faults.states import assert_identical, untimed_rows


class Cluster:
    """A stand-in for ray with the resources of its machines."""

    def __init__(self, *machines):
        self.machines = machines

    def nodes(self):
        return [{"Alive": alive, "Resources": resources} for alive, resources in self.machines]


def test_a_job_needs_room_on_one_living_machine():
    on_ray._check_room(Cluster((True, {"CPU": 2})), {"num_cpus": 2, "num_gpus": 0})
    on_ray._check_room(Cluster((True, {"CPU": 1}), (True, {"CPU": 1, "GPU": 1})), {"num_cpus": 1, "num_gpus": 0.25})
    for machines in ([(True, {"CPU": 1}), (True, {"CPU": 1})], [(True, {"CPU": 1}), (False, {"CPU": 2})], []):
        with pytest.raises(InputError, match=r"no machine of Ray has room for a job .*num_cpus=2 .*; request less"):
            on_ray._check_room(Cluster(*machines), {"num_cpus": 2, "num_gpus": 0})


def test_without_ray_or_its_cluster_the_error_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"^hydra/launcher=ray requires ray: pip install '\.\[ray\]'"):
        on_ray._connected(None)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    with pytest.raises(
        InputError, match=r"^Ray at 127.0.0.1:9 cannot be reached \(.*refused\); start it with ray start"
    ):
        on_ray._connected("127.0.0.1:9")


def sweep(start, tmp_path, *words, **settings):
    return start(*SMALL, "accelerator=cpu", "logger=none", "cache_dir=cache", "-m", "hydra/launcher=ray",
                 "hydra.sweep.dir=sweep", *words, cwd=tmp_path, **settings)  # fmt: skip


@pytest.mark.parametrize("word", ["num_cpus=-1", "num_gpus=-0.5", "retries=-2"])
def test_a_share_out_of_its_range_is_one_line(start, tmp_path, word):
    process = sweep(start, tmp_path, f"hydra.launcher.{word}", "lr=0.1,0.2")
    assert process.wait() == 1
    (line,) = (line for line in process.stderr().splitlines() if " jobs done" not in line)
    assert f"colourize: hydra.launcher.{word.partition('=')[0]} must be >= " in line


@pytest.fixture
def start():
    begun = []

    def begin(*words, **settings):
        begun.append(Process(*words, **settings))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()


def in_cluster(address):
    os.environ.update(RAY_ADDRESS=address, RAY_AUTH_MODE="disabled")


@pytest.fixture(scope="module")
def raylets():
    """A cluster with two raylets of one core each, beside a head without cores: its address and processes."""
    pytest.importorskip("ray", reason="requires ray: pip install '.[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]))
        handler = signal.getsignal(signal.SIGTERM)
        from ray.cluster_utils import Cluster

        signal.signal(signal.SIGTERM, handler)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        yield cluster.address, {node.all_processes["raylet"][0].process.pid for node in nodes}
        cluster.shutdown()


def job(tmp_path, number):
    return manifest.read(tmp_path / f"sweep/{number}")


@pytest.mark.slow
def test_a_search_runs_on_two_machines(raylets, start, tmp_path):
    words = "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "hydra.launcher.n_jobs=2", "lr=interval(0.001,0.01)"
    process = sweep(start, tmp_path, *words, "max_epochs=1", probe=in_cluster, given=(raylets[0],))
    assert process.wait() == 0, process.stdout() + process.stderr()
    parents = {psutil.Process(job(tmp_path, number)["pid"]).ppid() for number in range(2)}
    assert parents == raylets[1] and "best " in process.stdout()


@pytest.mark.slow
def test_a_signal_saves_the_jobs_and_the_printed_line_resumes_them(raylets, start, tmp_path):
    probe = {"probe": in_cluster, "given": (raylets[0],)}
    process = sweep(start, tmp_path, "lr=0.01,0.02", "max_epochs=1000", **probe)
    process.wait_for(lambda: all((tmp_path / f"sweep/{n}/checkpoints/last.ckpt").exists() for n in range(2)))
    process.signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM, process.stdout() + process.stderr()
    assert {job(tmp_path, number)["status"] for number in range(2)} == {"interrupted"}
    words = shlex.split(process.stderr().partition("resume with: python train.py ")[2])
    assert "hydra/launcher=ray" in words
    done = [len(untimed_rows(tmp_path / f"sweep/{number}")) for number in range(2)]
    resumed = start(*words, f"max_epochs={max(done) + 1}", cwd=tmp_path, **probe)
    assert resumed.wait() == 0, resumed.stdout() + resumed.stderr()
    assert [job(tmp_path, number)["starts"] for number in range(2)] == [2, 2]


@pytest.mark.slow
def test_the_job_of_a_lost_machine_is_resumed_on_another_to_the_same_bits(raylets, start, tmp_path):
    """The last test: it kills a raylet with its processes, as a power cut does."""
    address, pids = raylets
    words = "save_every=3", "max_epochs=20"
    process = sweep(start, tmp_path, *words, "lr=0.01,0.02", probe=in_cluster, given=(address,))
    process.wait_for(lambda: (tmp_path / "sweep/0/checkpoints/last.ckpt").exists())
    holder = psutil.Process(job(tmp_path, 0)["pid"])
    lost = holder.parent()
    assert lost.pid in pids
    for each in (*lost.children(recursive=True), lost):
        each.kill()
    assert process.wait() == 0, process.stdout() + process.stderr()
    assert job(tmp_path, 0)["starts"] == 2 and job(tmp_path, 0)["pid"] != holder.pid
    plain = start(*SMALL, *words, "accelerator=cpu", "logger=none", "cache_dir=cache", "lr=0.01",
                  "hydra.run.dir=plain", cwd=tmp_path)  # fmt: skip
    assert plain.wait() == 0
    assert_identical(tmp_path / "plain", tmp_path / "sweep/0")
