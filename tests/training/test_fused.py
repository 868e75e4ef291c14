"""``one_pass=true`` in whole runs."""

import pytest

from colourize.kernels import rows
from colourize.runs import manifest
from colourize.tasks.chosen import train
from tests.conftest import QUICK, knobs

pytestmark = pytest.mark.skipif(rows.library() is None, reason="no C compiler")


def trained(folder, *words):
    words = [*QUICK, "accelerator=cpu", f"cache_dir={folder.parent / 'cache'}", *words]
    return train(knobs(*words), folder, words), manifest.read(folder)["environment"]["one_pass"]


def test_a_run_uses_the_kernels_and_ends_as_without_them_but_for_rounding(tmp_path, no_figures):
    losses = {}
    for name in ("true", "false"):
        found, used = trained(tmp_path / name, f"one_pass={name}")
        assert used is (name == "true")
        losses[name] = found["val/loss"]
    assert losses["true"] == pytest.approx(losses["false"], rel=1e-3)


@pytest.mark.parametrize("words", [["precision=64-true"], ["one_pass=false"]])
def test_where_they_do_not_apply_torch_s_operators_are_used(words, tmp_path, no_figures):
    assert trained(tmp_path / "run", *words)[1] is False
