import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from colourize.colour import kmeans
from colourize.colour import palette as palettes
from colourize.colour.spaces import SPACES
from colourize.data.folder import load as load_folder
from colourize.data.scenes import load as load_scenes
from colourize.errors import InputError


def brute_force(images: torch.Tensor, palette: torch.Tensor) -> np.ndarray:
    pixels = images.numpy().astype(np.float64)[..., None, :] / 256
    return ((pixels - palette.numpy().astype(np.float64)) ** 2).sum(axis=-1).argmin(axis=-1)


def inertia(images: torch.Tensor, palette: torch.Tensor) -> float:
    pixels = images.reshape(-1, 3).double() / 256
    return float((torch.cdist(pixels, palette.double()).amin(dim=1) ** 2).sum())


@pytest.fixture(scope="module")
def scenes() -> torch.Tensor:
    return load_scenes(num_train=60, num_validation=2).train


@pytest.mark.parametrize("num_colours", [2, 24, 256, 300])
def test_labels_equal_a_brute_force_on_random_pictures(num_colours):
    generator = torch.Generator().manual_seed(num_colours)
    images = torch.randint(0, 256, (5, 9, 7, 3), generator=generator, dtype=torch.uint8)
    palette = torch.rand(num_colours, 3, generator=generator)
    labels = palettes.quantize(images, palette)
    assert labels.dtype == (torch.uint8 if num_colours <= 256 else torch.int16)
    np.testing.assert_array_equal(labels.numpy(), brute_force(images, palette))


def test_a_tie_goes_to_the_lower_index():
    grey_128 = torch.full((1, 1, 1, 3), 128, dtype=torch.uint8)
    palette = torch.tensor([[0.0, 0.0, 0.0], [0.25, 0.5, 0.5], [0.75, 0.5, 0.5], [0.25, 0.5, 0.5]])
    assert palettes.quantize(grey_128, palette).item() == 1


def test_colour_to_label_to_colour_is_the_nearest_colour(scenes):
    palette = torch.rand(24, 3, generator=torch.Generator().manual_seed(0))
    decoded = palettes.dequantize(palettes.quantize(scenes, palette), palette)
    np.testing.assert_array_equal(decoded.permute(0, 2, 3, 1).numpy(), palette.numpy()[brute_force(scenes, palette)])


@pytest.mark.parametrize("few", [0, 10**9], ids=["table", "sorted"])
def test_unique_colours_equal_numpy(few, scenes, monkeypatch):
    monkeypatch.setattr(kmeans, "FEW", few)
    colours, counts = kmeans.unique_colours(scenes)
    expected, expected_counts = np.unique(scenes.reshape(-1, 3).numpy(), axis=0, return_counts=True)
    np.testing.assert_array_equal(colours.numpy(), expected)
    np.testing.assert_array_equal(counts.numpy(), expected_counts)


@pytest.mark.parametrize("seed", [0, 1])
def test_inertia_is_no_worse_than_scikit_learn_on_all_pixels(scenes, seed):
    pixels = scenes.reshape(-1, 3).numpy() / 256
    theirs = KMeans(8, n_init=3, random_state=seed).fit(pixels).inertia_
    assert inertia(scenes, kmeans.fit(scenes, 8, seed)) <= theirs * 1.001


def test_a_fit_is_the_same_bits_each_time_and_sorted_by_brightness(scenes):
    first, second = (kmeans.fit(scenes, 8, seed=3) for _ in range(2))
    assert torch.equal(first, second)
    assert first.dtype == torch.float32
    brightness = first.double().mean(dim=1)
    assert (brightness.diff() >= -1e-7).all()


def test_exactly_k_distinct_colours_are_their_own_palette():
    images = torch.tensor([[0, 0, 0], [255, 0, 0], [0, 128, 0]], dtype=torch.uint8).view(1, 1, 3, 3)
    expected = images[0, 0, [0, 2, 1]].float() / 256
    assert torch.allclose(kmeans.fit(images, 3, seed=0), expected, atol=1e-6)


def test_fewer_distinct_colours_than_classes_is_an_error():
    images = torch.tensor([[0, 0, 0], [9, 9, 9]], dtype=torch.uint8).view(1, 1, 2, 3)
    with pytest.raises(InputError, match="num_colours=3.*only 2 distinct colours.*num_colours=2"):
        kmeans.fit(images, 3, seed=0)


def test_a_loaded_palette_keeps_the_order_of_its_file(tmp_path):
    colours = np.random.default_rng(0).random((24, 3)).astype(np.float32)
    np.save(tmp_path / "p.npy", colours)
    np.testing.assert_array_equal(palettes.load(tmp_path / "p.npy", 24).numpy(), colours)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((24, 4)), r"must be float \[K, 3\] .*, got float64 \(24, 4\)"),
        (np.zeros((24, 3), np.uint8), "8-bit values by 256"),
        (np.full((24, 3), 1.5), "from 1.5 to 1.5.*divide 8-bit values by 256"),
        (np.full((24, 3), np.nan), "from nan to nan"),
        (np.zeros((23, 3)), "contains 23 colours but num_colours=24; pass num_colours=23"),
        (np.array([[None]], dtype=object), r"must be a plain \.npy array"),
    ],
)
def test_a_file_that_is_not_a_palette_is_refused_with_its_reason(tmp_path, array, message):
    np.save(tmp_path / "p.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        palettes.load(tmp_path / "p.npy", 24)


@pytest.mark.parametrize(
    ("space", "array", "message"),
    [
        ("lab", np.zeros((24, 3), np.float32), r"must be float \[K, 2\] with colour_space=lab, got float32 \(24, 3\)"),
        ("rgb", np.zeros((24, 2), np.float32), r"must be float \[K, 3\] with colour_space=rgb, got float32 \(24, 2\)"),
        ("lab", np.full((24, 2), 200.0), r"from 200.0 to 200.0.*chromas \(a, b\) are floats in \[-128, 128\]"),
        ("oklab", np.full((24, 2), -0.5), r"from -0.5 to -0.5.*chromas \(a, b\) are floats in \[-0.4, 0.4\]"),
    ],
)
def test_a_palette_of_another_space_is_refused_with_its_rule(tmp_path, space, array, message):
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(InputError, match=message):
        palettes.load(tmp_path / "p.npy", 24, SPACES[space])


def test_a_palette_of_nearly_grey_colours_is_logged(tmp_path, caplog):
    for space, scale, messages in (
        ("lab", 0.3, True),
        ("lab", 30.0, False),
        ("oklab", 0.3, False),
        ("rgb", 0.002, True),
    ):
        caplog.clear()
        np.save(tmp_path / "p.npy", scale * np.random.default_rng(0).random((24, SPACES[space].channels)))
        palettes.load(tmp_path / "p.npy", 24, SPACES[space])
        assert ("is it of another space?" in caplog.text) == messages, (space, scale)


def test_grey_pictures_have_one_chroma_and_a_palette_of_them_is_refused():
    images = torch.arange(16, dtype=torch.uint8).view(1, 4, 4, 1).expand(-1, -1, -1, 3)
    with pytest.raises(InputError, match=r"only 1 distinct chromas \(a, b\); pass other pictures"):
        kmeans.fit(images, 2, seed=0, space=SPACES["lab"])


@pytest.mark.parametrize("contents", [b"", b"\x93NUMPY\x01", b"not an array", b"PK\x03\x04"])
def test_a_damaged_palette_file_is_refused(tmp_path, contents):
    (tmp_path / "p.npy").write_bytes(contents)
    with pytest.raises(InputError, match=r"must be a plain \.npy array"):
        palettes.load(tmp_path / "p.npy", 24)


def test_a_missing_palette_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        palettes.load(tmp_path / "p.npy", 24)


@pytest.mark.slow
@pytest.mark.real
def test_labels_of_real_pictures_equal_a_brute_force(real_pictures, tmp_path):
    images = load_folder(real_pictures, "horse", cache_dir=tmp_path).validation[:200]
    palette = kmeans.fit(images, 24, seed=0)
    np.testing.assert_array_equal(palettes.quantize(images, palette).numpy(), brute_force(images, palette))


@pytest.mark.slow
@pytest.mark.real
def test_inertia_on_real_pictures_is_no_worse_than_scikit_learn_on_all_pixels(real_pictures, tmp_path):
    images = load_folder(real_pictures, "horse", cache_dir=tmp_path).validation
    theirs = KMeans(24, n_init=1, random_state=0).fit(images.reshape(-1, 3).numpy() / 256).inertia_
    assert inertia(images, kmeans.fit(images, 24, seed=0)) <= theirs * 1.001
