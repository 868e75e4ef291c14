"""Case 4: every network, stopped at any step, once, twice or three times, ends in the same bits.

With ``--all`` all 280 sequences, with the networks' default size and, if given, on real pictures.
"""

import contextlib
import os
import random
import shutil
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from colourize.data.labelled import prepared
from colourize.errors import Interrupted
from colourize.runs.run_folder import claim
from colourize.tasks.colourization.data import ColourData, changes_pictures
from colourize.tasks.colourization.module import Colourizer
from colourize.tasks.colourization.task import TASK
from colourize.training.fit import fit
from tests import encoders
from tests.conftest import knobs
from tests.faults import probes
from tests.faults.processes import SMALL, Process
from tests.faults.states import assert_identical
from tests.nets import MODELS

STEPS = 40
NETWORKS = MODELS


def sequences(network, everything):
    """Steps of the stops. There are 280: each step once, 120 pairs, 120 triples; without ``--all`` a network has 7 of
    them, and each network others."""
    rng = random.Random(0)
    single = [(step,) for step in range(STEPS)]
    pairs, triples = ([tuple(sorted(rng.sample(range(STEPS), length))) for _ in range(120)] for length in (2, 3))
    if everything:
        return [*single, *pairs, *triples]
    place = NETWORKS.index(network)
    share = slice(3 * place, 3 * place + 3)
    return [rng.sample(single, STEPS)[place], *pairs[share], *triples[share]]


@pytest.fixture
def everything(request):
    return request.config.getoption("--all", default=False)


@pytest.fixture
def settings(request, everything, tmp_path_factory):
    """Knobs of a run of 40 steps, ten per epoch."""
    if not everything:
        return SMALL
    own = ["batch_size=10", "max_epochs=4", "trainer.enable_progress_bar=false", "trainer.limit_train_batches=10",
           "trainer.limit_val_batches=2"]  # fmt: skip
    if "COLOURIZE_REAL_PICTURES" not in os.environ:
        return ["data=scenes", "data.num_train=100", "data.num_validation=20", *own]
    return ["data=folder", f"data.root={request.getfixturevalue('real_pictures')}", "classes=horse", *own]


@pytest.mark.case(4)
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("network", NETWORKS)
def test_04_stopped_at_any_steps_a_run_ends_in_the_same_bits(
    network, settings, everything, tmp_path, shared_cache, monkeypatch, seen
):
    own = [*encoders.words(tmp_path), "frozen_epochs=2"] if network == "encoder_unet" else []
    options = knobs(*settings, f"model={network}", *own, f"cache_dir={shared_cache}")
    chosen, begin = sequences(network, everything), time.monotonic()
    assert interrupted_anywhere(options, tmp_path, monkeypatch, chosen) == list(range(STEPS))
    seen(f"{network} {len(chosen)} of {len(chosen)} in {time.monotonic() - begin:.0f} s")


def interrupted_anywhere(options, tmp_path, monkeypatch, chosen):
    """Compares an uninterrupted run with each of the chosen sequences; returns the trained steps."""
    steps, pending = [], set()

    def action(module, step):
        steps.append(step)
        if step in pending:
            pending.remove(step)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Colourizer, "training_step", Colourizer.training_step)  # restored after the test
    probes.in_step(action)
    task = remembering(monkeypatch)

    def run(folder, stops):
        steps.clear()
        pending.clear()
        pending.update(stops)
        for _ in range(len(stops) + 1):
            with contextlib.suppress(Interrupted), claim(folder, options) as held:
                fit(task, options, folder, held)

    run(tmp_path / "whole", ())
    whole = list(steps)
    for stops in chosen:
        folder = tmp_path / "-".join(map(str, stops))
        run(folder, stops)
        assert steps == whole, stops
        assert_identical(tmp_path / "whole", folder)
        shutil.rmtree(folder)
    return whole


def remembering(monkeypatch):
    """The task with pictures that are loaded once for all sequences, and without floors."""
    loaded = []

    def load(knobs):
        if not loaded:
            loaded.append(prepared(knobs))
        return ColourData(loaded[0], knobs["batch_size"], knobs["seed"], raw=changes_pictures(knobs))

    monkeypatch.setattr(ColourData, "yardstick", SimpleNamespace(table_loss=1.0))
    return replace(TASK, data=load)


@pytest.mark.case(4)
@pytest.mark.parametrize(
    "words",
    [
        ["precision=64-true"],
        ["precision=bf16-mixed", "optimizer=sgd", "scheduler=onecycle"],
        ["trainer.val_check_interval=0.3", "save_every=3", "patience=5"],
        ["trainer.val_check_interval=0.5", "scheduler=plateau", "scheduler.wait=0"],
        ["trainer.accumulate_grad_batches=3", "scheduler=cosine"],
        ["trainer.check_val_every_n_epoch=2", "trainer.limit_train_batches=7"],
        ["trainer.reload_dataloaders_every_n_epochs=1"],
        ["patience=1", "optimizer=sgd", "lr=1e-30"],
        ["optimizer=hypergradient", "optimizer.hyper_lr=1e-5", "optimizer.weight_decay=0.1"],
        [
            "optimizer.base=sgd",
            "optimizer=hypergradient",
            "optimizer.multiplicative=true",
            "optimizer.hyper_lr=0.1",
            "optimizer.momentum=0.9",
            "optimizer.weight_decay=0.1",
            "optimizer.decoupled=true",
        ],
        ["optimizer=sgdw", "optimizer.weight_decay=0.1"],
        ["optimizer=muon", "optimizer.weight_decay=0.1", "scheduler=onecycle", "precision=bf16-mixed"],
        ["ema=0.9", "trainer.val_check_interval=0.5", "save_every=3"],
        ["ema=0.99", "trainer.accumulate_grad_batches=3", "precision=64-true", "model=unet"],
        ["loss=soft", "loss.uniform=0.5", "ema=0.9", "save_every=3"],
        ["augment=flips", "augment.shift=2", "augment.noise=0.1", "augment.mix=0.5"],
        ["augment=crops", "augment.size=8", "ema=0.9", "save_every=3"],
        ["augment=old", "augment.size=8", "precision=bf16-mixed", "save_every=3"],
    ],
    ids=lambda words: words[0],
)
def test_04_under_any_settings_a_run_ends_in_the_same_bits(words, tmp_path, shared_cache, monkeypatch, seen):
    # not two in one window of accumulated batches (3 to 5): the second signal would end the run at once
    interrupted_anywhere(knobs(*SMALL, *words, f"cache_dir={shared_cache}"), tmp_path, monkeypatch,
                         [(0, 5, 9, 14, 16), (3, 10, 13, 19)])  # fmt: skip
    seen(words[0])


@pytest.fixture(scope="module")
def real(real_pictures, tmp_path_factory):
    """The overrides of a run of 60 steps on real pictures, and the folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("real")
    for split, count in (("train", 1000), ("test", 100)):
        (folder / "pictures" / split).mkdir(parents=True)
        for file in sorted((real_pictures / split / "horse").iterdir())[:count]:
            shutil.copy(file, folder / "pictures" / split)
    words = ["data=folder", f"data.root={folder / 'pictures'}", "batch_size=50", "model=unet", "num_filters=8",
             f"cache_dir={folder / 'cache'}", "max_epochs=3", "save_every=3"]  # fmt: skip
    assert Process(*words, "hydra.run.dir=run", cwd=folder, probe=probes.no_report).wait(300) == 0
    return words, folder / "run"


@pytest.mark.case(4)
@pytest.mark.real
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_04_real_signals_at_any_instant_twice_a_run(signum, everything, real, start, tmp_path, seen):
    words, whole = real
    rng = random.Random(signum)
    repeats = 4 if everything else 1
    for number in range(repeats):
        file = tmp_path / f"{number}.steps"
        settings = {"cwd": tmp_path, "probe": probes.record_indices, "given": (str(file), probes.no_report)}
        for first, last in ((0, 25), (26, 45)):
            run = start(*words, f"hydra.run.dir={number}", **settings)
            step = rng.randint(first, last)
            run.wait_for(lambda file=file, step=step: file.exists() and file.read_text().count("\n") > step)
            time.sleep(rng.uniform(0, 0.05))
            run.signal(signum)
            assert run.wait() == (-signum if signum == signal.SIGKILL else 128 + signum), run.stderr()
        run = start(*words, f"hydra.run.dir={number}", **settings)
        assert run.wait() == 0, run.stderr()
        assert_identical(whole, tmp_path / str(number))
    seen(f"{signum.name}, twice a run: {repeats} of {repeats}")
