"""Pictures on disk give exactly the same results as pictures in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch

from colourize.data import folder
from colourize.data.cache import Stream, cached
from colourize.errors import InputError
from colourize.tasks.chosen import train
from tests.conftest import knobs
from tests.faults.states import differences, saved, untimed_rows


def settings(root, cache, *words):
    small = "image_size=8", "num_colours=4", "num_filters=2", "batch_size=5", "max_epochs=2"
    return knobs("data=folder", f"data.root={root}", f"cache_dir={cache}", *small, *words)


def test_a_run_on_mapped_pictures_equals_one_in_memory(picture_folder, tmp_path):
    for name, mapped in (("memory", "false"), ("mapped", "true")):
        train(settings(picture_folder, tmp_path / name / "cache", f"data.mapped={mapped}"), tmp_path / name)
    found = differences(*(saved(tmp_path / name) for name in ("memory", "mapped")))
    assert {path.split(":")[0] for path in found} == {
        "/config/cache_dir", "/config/data/values/cache_dir", "/config/data/values/mapped"
    }  # fmt: skip
    assert untimed_rows(tmp_path / "memory") == untimed_rows(tmp_path / "mapped")


@pytest.mark.parametrize("holdout", [0.0, 0.3])
def test_the_pictures_are_the_same_and_on_disk(picture_folder, tmp_path, holdout):
    plain = folder.load(picture_folder, image_size=8, holdout=holdout, cache_dir=tmp_path / "plain")
    for _ in range(2):  # read, and from the cache
        mapped = folder.load(picture_folder, image_size=8, holdout=holdout, cache_dir=tmp_path / "disk", mapped=True)
        assert torch.equal(plain.train, mapped.train)
        assert torch.equal(plain.validation, mapped.validation)
        maps = Path("/proc/self/maps").read_text()
        assert f"{tmp_path / 'disk'}/folder-" in maps and f"{tmp_path / 'plain'}/folder-" not in maps
    names = {file.name for file in (tmp_path / "plain").iterdir()}
    assert names == {file.name for file in (tmp_path / "disk").iterdir()}  # one cache serves both
    for name in names:
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "disk" / name).read_bytes()


def test_a_stream_is_written_as_numpy_writes_the_array(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (10, 3, 2), dtype=np.uint8)
    stream = Stream(array.shape, np.uint8, (array[start : start + 4] for start in range(0, 10, 4)))
    (mapped,) = cached(tmp_path, "x", [".npy"], lambda: [stream], mapped=True)
    np.testing.assert_array_equal(mapped, array)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), array)


def test_mapped_pictures_in_a_folder_that_cannot_be_written_are_refused(picture_folder, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"cache_dir=.*file.* cannot be written .* data.mapped=true keeps the pictures there; pass"
    ):
        folder.load(picture_folder, image_size=8, cache_dir=tmp_path / "file", mapped=True)
