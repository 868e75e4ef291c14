import pytest

from colourize.errors import InputError
from colourize.training.distributed import place
from colourize.training.distributed.place import Place, check, given, settled
from tests.conftest import knobs

TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
            "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}  # fmt: skip
SRUN = {"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1", "SLURM_STEP_NUM_NODES": "2",
        "SLURM_JOB_ID": "41", "SLURM_STEP_ID": "0", "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
        "SLURM_STEP_NODELIST": "n[1-2]"}  # fmt: skip


def test_the_ranks_of_torchrun():
    assert given(TORCHRUN) == Place(3, 4, 1, 2, "10.0.0.1", 29500, "torchrun")
    assert given({**TORCHRUN, "WORLD_SIZE": "1"}) is None


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("n1", "n1"), ("n[1-2]", "n1"), ("gpu[03,07-09],m2", "gpu03"), ("a,b", "a"), ("r[1-2]n[04-05]", "r1n04")],
)
def test_the_ranks_of_srun_meet_at_its_first_node(nodes, first):
    found = given({**SRUN, "SLURM_STEP_NODELIST": nodes})
    assert found == Place(3, 4, 1, 2, first, place.PORTS.start + 7 * 41, "Slurm")


def test_jobs_and_steps_that_follow_each_other_have_ports_of_their_own():
    places = [
        given({**SRUN, "SLURM_JOB_ID": str(job), "SLURM_STEP_ID": str(step)}) for job in (1, 2) for step in (0, 1)
    ]
    assert len({found.port for found in places}) == 4


def test_the_address_may_be_given():
    found = given({**SRUN, "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "1234"})
    assert (found.host, found.port) == ("10.0.0.1", 1234)


@pytest.mark.parametrize(
    "environ",
    [
        {"SLURM_JOB_ID": "41", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"},  # the script of a job, outside of srun
        {**SRUN, "SLURM_STEP_NUM_TASKS": "1"},
        {**SRUN, **TORCHRUN, "WORLD_SIZE": "1"},  # srun has started torchrun
    ],
)
def test_elsewhere_nobody_has_started_ranks(environ):
    assert given(environ) is None


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({key: value for key, value in SRUN.items() if key != "SLURM_LOCALID"}, "Slurm's environment lacks .*LOCALID"),
        (
            {**SRUN, "SLURM_STEP_TASKS_PER_NODE": "2,1"},
            "as many ranks on each machine, got 2,1; pass --ntasks-per-node",
        ),
        ({**TORCHRUN, "RANK": "x"}, "torchrun's environment lacks a usable .*'x'"),
        ({**SRUN, "MASTER_PORT": "x"}, "Slurm's environment lacks a usable .*'x'"),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(environ, line):
    with pytest.raises(InputError, match=line):
        given(environ)


def test_the_knobs_follow_the_ranks_that_others_have_started():
    own = settled(knobs(), given(SRUN))
    assert (own["devices"], own["num_nodes"]) == (2, 2)
    with pytest.raises(InputError, match="but Slurm started 2 processes on each of 2 machines; pass devices=2"):
        settled(knobs("devices=4"), given(SRUN))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["devices=3", "accelerator=cpu"], "devices must be <= 2, the number of cores of this machine, got 3"),
        (["num_nodes=2"], "num_nodes=2 requires Slurm or torchrun; run srun --nodes 2 --ntasks-per-node 1"),
        (["devices=2", "callbacks=swa", "accelerator=cpu"], "averages in one process, got devices=2; pass ema=0.998"),
    ],
)
def test_ranks_that_cannot_be_are_refused(words, line, monkeypatch):
    monkeypatch.setattr(place, "num_cores", lambda: 2)
    with pytest.raises(InputError, match=line):
        check(knobs(*words), None)
