import numpy as np
import pytest
import torch
from PIL import Image

from colourize.data.crops import Crops, cropped
from colourize.errors import InputError


def images(count=6, height=20, width=28):
    return torch.randint(
        0, 256, (count, height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def test_a_box_of_the_result_s_side_is_copied_exactly():
    parts = cropped(images(2), torch.tensor([[1, 2, 8], [12, 20, 8]]), 8)
    assert torch.equal(parts[0], images()[0, 1:9, 2:10]) and torch.equal(parts[1], images()[1, 12:20, 20:28])


@pytest.mark.parametrize("side", [5, 9, 16])
def test_a_box_of_another_side_is_scaled_as_pillow_does(side):
    (part,) = cropped(images(1), torch.tensor([[2, 3, side]]), 8)
    box = Image.fromarray(images()[0].numpy()).crop((3, 2, 3 + side, 2 + side))
    expected = np.asarray(box.resize((8, 8), Image.Resampling.BILINEAR), int)
    assert np.abs(part.numpy().astype(int) - expected).max() <= 1


def test_crops_depend_only_on_the_generator_and_are_inside_the_picture():
    crops = Crops(size=8, least=0.3)
    torch.manual_seed(1)
    first = crops(images())
    torch.manual_seed(1)
    assert torch.equal(crops(images()), first) and first.shape == (6, 8, 8, 3)
    assert not torch.equal(crops(images()), first)


def test_crops_of_the_whole_picture_change_only_by_flips():
    square = images(50, 8, 8)
    same = Crops(size=8, least=1.0, flip=False)(square)
    flipped = Crops(size=8, least=1.0)(square)
    assert torch.equal(same, square)
    turned = (flipped == square.flip(2)).flatten(1).all(1)
    assert (turned | (flipped == square).flatten(1).all(1)).all() and 10 < int(turned.sum()) < 40


def test_each_batch_draws_one_of_several_sides():
    crops = Crops(size=(4, 8, 12))
    torch.manual_seed(2)
    shapes = [crops(images()).shape[1:3] for _ in range(60)]
    counts = [shapes.count((side, side)) for side in (4, 8, 12)]
    assert sum(counts) == 60 and min(counts) > 8
    torch.manual_seed(2)
    assert [crops(images()).shape[1:3] for _ in range(60)] == shapes


@pytest.mark.parametrize(
    ("values", "message"),
    [({"size": 0}, "augment.size must be >= 1, got 0"), ({"size": []}, r"augment.size must be >= 1, got \[\]"),
     ({"least": 0.0}, "0 < least <= most <= 1, got 0.0 and 1.0"),
     ({"least": 0.9, "most": 0.5}, "got 0.9 and 0.5"), ({"most": 2.0}, "got 0.6 and 2.0")],
)  # fmt: skip
def test_a_share_out_of_its_range_is_named(values, message):
    with pytest.raises(InputError, match=message):
        Crops(**values)
