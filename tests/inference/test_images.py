"""``Model.colourize`` for every kind of picture, the same as the command's result."""

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.errors import InputError
from colourize.inference import images, space, working
from colourize.model import About, Model
from tests.nets import network

PICTURE = np.tile(np.linspace(10, 245, 44).astype(np.uint8), (36, 1))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    palette = torch.tensor([[0.0, 0.0], [40, 20], [-30, 30], [10, -45], [25, 60]])
    made = Model(network("resunet_small", num_colours=5), palette, "lab").eval()
    made.about = About(size=32)
    return made


@pytest.fixture(scope="module")
def expected(model):
    return model.colourize(PICTURE)


def test_arrays_of_8_bits(model, expected):
    assert expected.dtype == np.uint8 and expected.shape == (36, 44, 3)
    assert np.abs(space.lightness_of_levels(255)[PICTURE] - space.lab(expected / 255)[..., 0]).max() < 0.6
    assert np.ptp(expected.astype(int), axis=-1).max() > 3
    assert np.array_equal(model.colourize(PICTURE[..., None]), expected)
    assert np.array_equal(model.colourize(np.repeat(PICTURE[..., None], 3, 2)), expected)


def test_alpha_of_an_array_is_kept(model, expected):
    alpha = np.full((36, 44, 1), 77, np.uint8)
    result = model.colourize(np.concatenate([np.repeat(PICTURE[..., None], 3, 2), alpha], -1))
    assert np.array_equal(result[..., :3], expected) and (result[..., 3] == 77).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_arrays_of_more_bits_keep_their_type(model, expected, dtype):
    levels = PICTURE.astype(np.uint16) * 257
    result = model.colourize(levels if dtype == np.uint16 else (PICTURE / 255).astype(dtype))
    assert result.dtype == dtype
    scaled = result / 257 if dtype == np.uint16 else result * 255
    assert np.abs(scaled - expected).max() < 3  # the smaller picture that the network sees is not rounded to 8 bits


@pytest.mark.parametrize("shape", [(1, 36, 44), (3, 36, 44), (2, 1, 36, 44), (36, 44)])
def test_tensors_stay_tensors(model, expected, shape):
    tensor = torch.tensor(PICTURE).expand(shape)
    result = model.colourize(tensor)
    assert result.dtype == torch.uint8 and result.shape == ((2, 3, 36, 44) if len(shape) == 4 else (3, 36, 44))
    assert np.array_equal(result[0 if len(shape) == 4 else slice(None)].movedim(0, -1), expected)


def test_pil_images_paths_and_lists(model, expected, tmp_path):
    image = Image.fromarray(PICTURE)
    image.save(tmp_path / "photo.png")
    for given in (image, image.convert("RGB"), tmp_path / "photo.png", str(tmp_path / "photo.png")):
        result = model.colourize(given)
        assert isinstance(result, Image.Image) and np.array_equal(result, expected)
    both = model.colourize([image, PICTURE])
    assert isinstance(both, list) and np.array_equal(both[0], expected) and np.array_equal(both[1], expected)


def test_choices_of_the_command_are_arguments(model):
    assert np.array_equal(model.colourize(PICTURE, saturation=0.0), np.repeat(PICTURE[..., None], 3, 2))
    assert model.colourize(Image.fromarray(PICTURE), "argmax", size=16).size == (44, 36)


def test_a_list_goes_in_batches_of_bounded_size_and_gives_what_one_by_one_gives(model, monkeypatch):
    rng = np.random.default_rng(0)
    shapes = [(36, 44), (40, 40), (72, 88), (36, 44), (40, 40), (9, 200), (36, 44), (18, 22)]
    pictures = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    expected = [model.colourize(picture) for picture in pictures]
    seen, forward = [], model.network.forward
    monkeypatch.setattr(model.network, "forward", lambda grey: seen.append(tuple(grey.shape)) or forward(grey))
    monkeypatch.setattr(working, "BATCH", 3 * 32 * 40)
    for found, each in zip(model.colourize(pictures), expected, strict=True):
        assert found.shape == each.shape and np.abs(found.astype(int) - each).max() <= 1
    assert sum(shape[0] for shape in seen) == len(pictures) > len(seen)
    assert all(shape[0] * shape[2] * shape[3] <= 3 * 32 * 40 or shape[0] == 1 for shape in seen)
    seen.clear()
    monkeypatch.setattr(images, "WINDOW", 36 * 44)
    assert len(model.colourize([PICTURE] * 3)) == 3 == len(seen)  # one at a time, where more would take much memory


def test_kinds_may_be_mixed_and_each_comes_back_as_itself(model, expected):
    given = (PICTURE, Image.fromarray(PICTURE), torch.tensor(PICTURE)[None], PICTURE.astype(np.uint16) * 257)
    array, image, tensor, wide = model.colourize(given)
    assert np.array_equal(array, expected) and np.array_equal(image, expected)
    assert np.array_equal(tensor.movedim(0, -1), expected) and wide.dtype == np.uint16
    assert model.colourize([]) == [] and model.colourize(()) == ()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (None, "a picture must be a PIL image, a path, an array, a tensor or a list of these, got NoneType"),
        (np.zeros((2, 3, 5)), "an array must be"),
        (np.zeros((0, 3), np.uint8), "an array must be"),
        (np.full((4, 4), 7.0), r"floats must be in \[0, 1\], got \[7, 7\]; divide 8-bit values by 255"),
        (np.full((4, 4), np.nan), r"floats must be in \[0, 1\]"),
        (np.zeros((4, 4), np.int64), "must be uint8, uint16 or floats"),
        (torch.zeros(2, 4, 4), "a tensor must be"),
        ("missing.png", "missing.png: No such file"),
    ],
)
def test_a_file_that_is_not_a_picture_is_one_line(model, picture, message):
    with pytest.raises(InputError, match=message) as raised:
        model.colourize(picture)
    assert "\n" not in str(raised.value)


def test_an_unknown_choice_is_named(model):
    with pytest.raises(InputError, match=r"'colour'.*pass decoding, size, saturation"):
        model.colourize(PICTURE, colour=3)


def test_samples_are_asked_for_one_by_one(model):
    with pytest.raises(InputError, match='colourize gives one picture; pass decoding="sample:1"'):
        model.colourize(PICTURE, "sample", samples=2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_tensors_of_half_precision_stay_so(model, dtype):
    result = model.colourize(torch.full((1, 9, 12), 0.5, dtype=dtype))
    assert result.dtype == dtype and result.shape == (3, 9, 12)


@pytest.mark.parametrize("text", ["CUDA out of memory. Tried", "DefaultCPUAllocator: can't allocate memory"])
def test_too_little_memory_is_a_memory_error(model, monkeypatch, text):
    def full(_):
        raise RuntimeError(text)

    monkeypatch.setattr(model.network, "forward", full)
    with pytest.raises(MemoryError):
        model.colourize(PICTURE)
