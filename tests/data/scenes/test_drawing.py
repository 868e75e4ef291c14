"""Theorems about the drawn landscapes and the choice of classes."""

import hashlib

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from colourize.data.classes import selected_classes
from colourize.data.pictures import Pictures
from colourize.data.scenes import CLASSES, OBJECTS, load
from colourize.errors import InputError


@pytest.fixture(scope="module")
def scenes() -> Pictures:
    return load(num_train=400, num_validation=100)


def fingerprint(*tensors: torch.Tensor) -> str:
    return hashlib.blake2b(b"".join(t.numpy().tobytes() for t in tensors), digest_size=8).hexdigest()


def test_shapes_types_and_counts_are_as_requested():
    p = load(num_train=7, num_validation=3, image_size=24)
    assert p.train.shape == (7, 24, 24, 3) and p.validation.shape == (3, 24, 24, 3)
    assert p.train_objects.shape == (7, 24, 24) and p.validation_objects.shape == (3, 24, 24)
    assert {t.dtype for t in (p.train, p.validation, p.train_objects, p.validation_objects)} == {torch.uint8}


def test_every_machine_draws_the_same():
    p = load(num_train=10, num_validation=5, image_size=32, seed=0)
    assert fingerprint(p.train, p.validation) == "e7ce4ab68f9a39b4"
    assert fingerprint(p.train_objects, p.validation_objects) == "b6dfd08a495a3ec7"


def test_a_picture_does_not_depend_on_the_number_of_pictures(scenes):
    few = load(num_train=10, num_validation=12)
    assert torch.equal(few.train, scenes.train[:10]) and torch.equal(few.validation, scenes.validation[:12])
    assert torch.equal(few.train_objects, scenes.train_objects[:10])


def test_a_picture_does_not_depend_on_the_others_in_its_batch(monkeypatch, scenes):
    monkeypatch.setattr("colourize.data.scenes.TOGETHER", 3)
    monkeypatch.setattr("colourize.data.scenes.MOST_KEPT", 0)
    few = load(num_train=40, num_validation=2)
    assert torch.equal(few.train, scenes.train[:40]) and torch.equal(few.train_objects, scenes.train_objects[:40])


@pytest.mark.parametrize("most_kept", [0, 1 << 20])
def test_pictures_that_are_kept_for_the_next_job_are_those_that_are_drawn_again(monkeypatch, most_kept, scenes):
    monkeypatch.setattr("colourize.data.scenes.MOST_KEPT", most_kept)
    for _ in range(2):
        few = load(num_train=11, num_validation=2)
        assert torch.equal(few.train, scenes.train[:11])
        assert torch.equal(few.train_objects, scenes.train_objects[:11])
        for given in (few.train, few.train_objects):
            given.zero_()  # changes no other


def test_all_pictures_of_both_splits_differ(scenes):
    pictures = [p.numpy().tobytes() for p in torch.cat([scenes.train, scenes.validation])]
    assert len(set(pictures)) == len(pictures)


def test_seeds_differ(scenes):
    other = load(num_train=10, num_validation=2, seed=1)
    assert not any(torch.equal(a, b) for a, b in zip(other.train, scenes.train[:10], strict=True))


def test_every_kind_of_object_appears(scenes):
    shown = np.unique(scenes.train_objects.numpy())
    assert [OBJECTS[k] for k in shown] == list(OBJECTS)


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("meadow", "leaves", "sea"),
        ("coast", "sea", "grass"),
        ("mountains", "snow", "sand"),
        ("desert", "dune", "grass"),
        ("farm", "wheat", "sea"),
    ],
)
def test_each_class_can_be_chosen(name, has, lacks):
    p = load(num_train=20, num_validation=2, classes=name)
    assert torch.equal(p.train, load(num_train=20, num_validation=2, classes=CLASSES.index(name)).train)
    kinds = {OBJECTS[k] for k in np.unique(p.train_objects.numpy())}
    assert has in kinds and lacks not in kinds


def test_classes_take_turns():
    p = load(num_train=20, num_validation=2, classes=["coast", "desert"])
    has_sea = (p.train_objects == OBJECTS.index("sea")).flatten(1).any(1)
    assert has_sea.tolist() == [True, False] * 10


@pytest.mark.parametrize("size", [8, 13, 32, 64])
def test_every_size_shows_the_same_composition(size):
    kinds = load(num_train=20, num_validation=2, image_size=size).train_objects
    fine = load(num_train=20, num_validation=2, image_size=96).train_objects
    nearest = ((torch.arange(size) + 0.5) * 96 / size).long()
    assert (fine[:, nearest][:, :, nearest] == kinds).float().mean() > 0.85


def test_holdout_divides_the_training_pictures(scenes):
    p = load(num_train=400, num_validation=2, holdout=0.25)
    both = {x.numpy().tobytes() for x in torch.cat([p.train, p.validation])}
    assert both == {x.numpy().tobytes() for x in scenes.train}
    assert len(p.train) + len(p.validation) == 400 and 70 < len(p.validation) < 130
    assert len(p.train_objects) == len(p.train) and len(p.validation_objects) == len(p.validation)


def test_the_object_predicts_the_colour_much_better_than_the_grey_level(scenes):
    colours = KMeans(24, n_init=1, random_state=0).fit(pixels(scenes.train)[::97])
    seen, new = (colours.predict(pixels(p)) for p in (scenes.train, scenes.validation))
    grey_seen, grey_new = (pixels(p).mean(1).round().astype(int) for p in (scenes.train, scenes.validation))
    kind_seen, kind_new = (o.flatten().numpy().astype(int) for o in (scenes.train_objects, scenes.validation_objects))
    grey_alone = cross_entropy(grey_seen, seen, grey_new, new)
    grey_and_object = cross_entropy(256 * kind_seen + grey_seen, seen, 256 * kind_new + grey_new, new)
    assert grey_alone > 1.5 and grey_and_object < 0.6


def pixels(pictures: torch.Tensor) -> np.ndarray:
    return pictures.reshape(-1, 3).numpy().astype(np.float32)


def cross_entropy(context: np.ndarray, colour: np.ndarray, new_context: np.ndarray, new_colour: np.ndarray) -> float:
    """Cross-entropy in nats of the table P(colour | context) on new pixels, smoothed by one count of P(colour)."""
    table = np.tile((np.bincount(colour, minlength=24) + 1) / (len(colour) + 24), (256 * len(OBJECTS), 1))
    np.add.at(table, (context, colour), 1)
    table /= table.sum(1, keepdims=True)
    return float(-np.log(table[new_context, new_colour]).mean())


def test_grey_levels_of_the_large_kinds_overlap(scenes):
    grey = scenes.train.float().mean(-1)
    ranges = []
    for kind in "sky", "dusk", "sea", "sand", "dune", "grass", "wheat", "lavender", "mountain":
        levels = grey[scenes.train_objects == OBJECTS.index(kind)].numpy()
        ranges.append(np.percentile(levels, [5, 95]))
    assert max(low for low, _ in ranges) < min(high for _, high in ranges)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"num_train": 1}, "num_train=1 is too small"),
        ({"num_validation": 0}, "num_validation=0 is too small"),
        ({"image_size": 7}, "image_size must be >= 8, got 7; pass image_size=32"),
        ({"classes": "medow"}, "classes='medow': unknown class; pass some of meadow, coast, "),
        ({"holdout": 1.5, "num_train": 4}, "holdout must be >= 0 and < 1, got 1.5; pass holdout=0.1"),
        ({"holdout": -0.1, "num_train": 4}, "holdout must be >= 0 and < 1, got -0.1"),
    ],
)
def test_bad_input_is_refused(setting, message):
    with pytest.raises(InputError, match=message):
        load(**setting)


@pytest.mark.parametrize(
    ("classes", "indices"),
    [
        ("all", [0, 1, 2]),
        ("cat", [1]),
        (2, [2]),
        ("2", [2]),
        ("horse, cat", [0, 1]),
        ("0,cat", [0, 1]),
        (["cat", 1, "1"], [1]),
        ((2, "horse"), [0, 2]),
        (["all", "cat"], [0, 1, 2]),
    ],
)
def test_classes_are_chosen_by_name_or_index(classes, indices):
    assert selected_classes(classes, ("horse", "cat", "dog")) == indices


@pytest.mark.parametrize("classes", ["hourse", 3, -1, "3", "cat,", "", ["cat", "cow"], 0.5])
def test_an_unknown_class_is_an_error_that_names_the_valid_ones(classes):
    with pytest.raises(InputError, match="unknown class; pass some of horse, cat, dog, 0 to 2, or all"):
        selected_classes(classes, ("horse", "cat", "dog"))


def test_choosing_no_class_is_an_error():
    with pytest.raises(InputError, match="must name at least one class"):
        selected_classes([], ("horse", "cat", "dog"))
