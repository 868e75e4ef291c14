import pytest

from colourize.config import ranks
from colourize.config.compare import as_begun, check_changes
from colourize.errors import InputError
from tests.conftest import knobs


@pytest.mark.parametrize(("devices", "batch_size"), [(1, 24), (2, 12), (3, 8), (4, 6), (24, 1)])
def test_a_run_resumed_on_other_ranks_keeps_the_pictures_of_a_step(devices, batch_size, caplog):
    old = knobs("devices=2", "batch_size=12")
    new = as_begun(knobs(f"devices={devices}", "batch_size=12"), old, [])
    assert new["batch_size"] == batch_size
    assert ranks.step_size(new) == ranks.step_size(old) == 24
    check_changes(old, new, "a run was trained")
    assert (devices == 2) or f"with devices=2; it is resumed with {devices}" in caplog.text


@pytest.mark.parametrize(
    ("words", "remedy"),
    [(["devices=5", "batch_size=12"], "pass devices that divide 24"), (["batch_size=7"], "pass batch_size=24")],
)
def test_other_pictures_of_a_step_are_refused(words, remedy):
    old = knobs("devices=2", "batch_size=12")
    new = as_begun(knobs(*words), old, [])
    with pytest.raises(InputError, match=f"with 24 pictures per step, got .*; {remedy}"):
        check_changes(old, new, "a run was trained")


def test_a_configuration_older_than_ranks_has_one():
    config = knobs("batch_size=12")
    for name in ("devices", "num_nodes"):
        del config[name]
    assert ranks.step_size(config) == 12
    check_changes(config, knobs("batch_size=12"), "a run was trained")
