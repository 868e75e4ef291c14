"""Detection on two ranks."""

import pytest
import torch

from colourize.data.boxes.boxed import Found
from colourize.evaluation.detection.precision import precision
from colourize.tasks.detection.module import Detector, of_all_ranks
from colourize.tasks.detection.task import TASK
from colourize.training.distributed import collectives
from tests.conftest import knobs
from tests.detection_runs import SMALL
from tests.faults.states import assert_identical, saved
from tests.ranks import interrupted_at, steps_of, together
from tests.trained import rows


@pytest.mark.parametrize("of_first", [[0, 2], [0, 1, 2, 3], []])
def test_what_all_ranks_have_found_is_in_the_order_of_the_pictures(of_first, monkeypatch):
    random = torch.Generator().manual_seed(0)
    whole = [
        Found(torch.rand(count, 4, generator=random), torch.rand(count, generator=random), torch.arange(count))
        for count in (2, 0, 3, 1)
    ]
    parts = [of_first, [index for index in range(4) if index not in of_first]]
    sent = []
    monkeypatch.setattr(collectives, "size", lambda: 2)
    monkeypatch.setattr(collectives, "joined", lambda rows: sent.append(rows) or torch.cat(sent))
    for seen in parts:
        found = of_all_ranks(seen, [whole[index] for index in seen])
    assert len(found) == 4
    for one, other in zip(found, whole, strict=True):
        assert all(ours.equal(theirs) for ours, theirs in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Runs of six steps on seven pictures: whole, and interrupted twice."""
    folder = tmp_path_factory.mktemp("detection")
    own = knobs(*SMALL, "data.num_train=11", "devices=2", "accelerator=cpu", "sync_batchnorm=true")
    stops = {(str(folder / "again"), 1): (1,), (str(folder / "again"), 4): (0,)}
    runs = ((own, folder / name) for name in ("whole", "again", "again", "again"))
    together(*runs, probe=interrupted_at, given=(stops, Detector))
    return own, folder


@pytest.mark.slow
def test_two_ranks_interrupted_twice_end_in_the_same_bits(home):
    _, folder = home
    assert [steps_of(folder / "again", rank) for rank in (0, 1)] == [list(range(6))] * 2
    assert_identical(folder / "whole", folder / "again")


@pytest.mark.slow
def test_the_measures_are_those_of_all_validation_pictures(home):
    own, folder = home
    data = TASK.data(own)
    module = TASK.module(own, data)
    module.load_state_dict(saved(folder / "whole")["state_dict"])
    module.eval()
    module.on_validation_epoch_start()
    with torch.no_grad():
        for number, batch in enumerate(data.val_dataloader()):
            module.validation_step(batch, number)
    row = rows(folder / "whole")[-1]
    assert len(module.found) == len(data.truth) == 3
    # both ranks have the pictures of one of these batches
    assert float(row["val/loss"]) == pytest.approx(float(module.sums[0] / module.sums[1]), rel=1e-5)
    assert float(row["val/AP"]) == pytest.approx(precision(module.truth, module.found).ap, abs=1e-6)
