"""torchvision's code with small archives in the official layout, written by the fixture."""

import numpy as np
import pytest
import torch

from colourize.data.cifar10 import load
from colourize.errors import InputError
from tests.cifar_archive import BATCHES


def test_a_class_has_its_pictures_in_the_archive_s_order(cifar_archive):
    root, pictures = cifar_archive
    loaded = load(root)
    horses = np.concatenate([pictures[name][[7, 17]] for name in BATCHES[:5]])
    np.testing.assert_array_equal(loaded.train.numpy(), horses)
    np.testing.assert_array_equal(loaded.validation.numpy(), pictures["test_batch"][[7, 17]])


@pytest.mark.parametrize(("classes", "count"), [("all", 10), (["cat", 7], 2), ("3", 1), ([3, "cat"], 1)])
def test_classes_are_chosen_by_name_or_index(cifar_archive, classes, count):
    loaded = load(cifar_archive[0], classes)
    assert len(loaded.train) == count * 10
    assert len(loaded.validation) == count * 2


def test_a_holdout_does_not_use_the_test_split(cifar_archive):
    root, pictures = cifar_archive
    loaded = load(root, "all", holdout=0.3)
    together = {picture.numpy().tobytes() for picture in torch.cat([loaded.train, loaded.validation])}
    assert together == {picture.tobytes() for name in BATCHES[:5] for picture in pictures[name]}
    assert 10 < len(loaded.validation) < 50


def test_an_extracted_archive_is_enough(cifar_archive):
    root, _ = cifar_archive
    first = load(root)
    (root / "cifar-10-python.tar.gz").unlink()
    assert torch.equal(load(root).train, first.train)


def test_a_truncated_archive_is_an_error_that_names_the_remedy(cifar_archive):
    root, _ = cifar_archive
    file = root / "cifar-10-python.tar.gz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"CIFAR-10 is not in data.root=.*could not be fetched"):
        load(root)


def test_a_damaged_batch_is_extracted_again(cifar_archive):
    root, _ = cifar_archive
    first = load(root)
    (root / "cifar-10-batches-py/data_batch_2").write_bytes(b"damaged")
    assert torch.equal(load(root).train, first.train)


def test_without_archive_and_network_the_error_names_the_remedies(cifar_archive, tmp_path):
    with pytest.raises(InputError) as caught:
        load(tmp_path / "empty")
    for part in ("data=scenes", "data=folder data.root=DIR", "cifar-10-python.tar.gz", str(tmp_path / "empty")):
        assert part in str(caught.value)


def test_an_unknown_class_is_named(cifar_archive):
    with pytest.raises(InputError, match="'hourse': unknown class; pass some of airplane"):
        load(cifar_archive[0], "hourse")


def test_sizes_other_than_32_pixels_are_refused(cifar_archive):
    with pytest.raises(InputError, match="image_size=64, but CIFAR-10 contains 32x32"):
        load(cifar_archive[0], image_size=64)
