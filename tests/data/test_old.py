import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from colourize.data import old
from colourize.data.crops import Crops
from colourize.data.old import WHITE, Old
from colourize.errors import InputError
from tests.drawn_pictures import encoded


def greys(count=3, height=24, width=30):
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(0)) * WHITE


@pytest.mark.parametrize("sigma", [0.5, 0.9, 1.4])
def test_the_blur_is_scipy_s(sigma):
    grey = greys().double()
    found = old.blurred(grey, torch.tensor([sigma, 0.0, sigma]))
    expected = gaussian_filter(grey[0, 0].numpy(), sigma, mode="nearest", radius=old.REACH)
    assert np.allclose(found[0, 0], expected, atol=1e-6) and torch.allclose(found[1], grey[1], atol=1e-12)


def test_fading_maps_black_and_white():
    ends = torch.tensor([0.0, WHITE]).view(1, 1, 1, 2)
    found = old.faded(ends, torch.tensor([0.2]), torch.tensor([0.9]))
    assert torch.allclose(found.flatten(), torch.tensor([0.2 * WHITE, 0.2 * WHITE + 0.7 * WHITE]))


def test_grain_has_the_given_strength_in_the_middle_greys_and_less_in_black():
    noise = torch.randn(2, 1, 100, 100, generator=torch.Generator().manual_seed(0))
    grey = torch.tensor([0.5, 0.02]).view(2, 1, 1, 1).expand(2, 1, 100, 100)
    found = old.grained(grey, noise, torch.full((2,), 0.05))
    assert found[0].std() == pytest.approx(0.05, rel=0.05) and found[1].std() < 0.02


def test_scratches_and_dust_change_only_their_own_pixels():
    grey = greys()
    nothing = torch.full((3,), -9.0)
    assert torch.equal(old.scratched(grey, nothing, torch.zeros(3), torch.ones(3)), grey)
    assert torch.equal(old.dusted(grey, torch.full((3, 2), 0.5), nothing, torch.ones(3)), grey)
    found = old.scratched(grey, torch.full((3,), 0.5), torch.zeros(3), torch.ones(3))
    assert (found[..., 15] == WHITE).all() and torch.equal(found[..., :15], grey[..., :15])
    spot = old.dusted(grey, torch.full((3, 2), 0.5), torch.full((3,), 1.0), torch.zeros(3))
    assert (spot[..., 12, 15] == 0).all() and torch.equal(spot[..., :9, :], grey[..., :9, :])


def test_compression_is_pillow_s():
    grey = greys(2)
    found = old.compressed(grey, torch.tensor([40, 0]))
    image = Image.fromarray((grey[0, 0] * 256).round().byte().numpy())
    whole = Image.open(io.BytesIO(encoded(image, "JPEG", quality=40)))
    assert np.array_equal((found[0, 0] * 256).numpy(), np.asarray(whole)) and found[1].equal(grey[1])


def test_degradations_depend_only_on_the_generator_and_stay_in_the_range():
    grey, twice = greys(40, 16, 16), []
    for _ in range(2):
        torch.manual_seed(5)
        twice.append(Old(share=0.5).degraded(grey))
    assert torch.equal(*twice) and twice[0].min() >= 0 and twice[0].max() <= WHITE
    changed = (twice[0] != grey).flatten(1).any(1)
    assert 10 < changed.sum() < 30
    assert torch.equal(Old(share=0.0).degraded(grey), grey)
    assert torch.allclose(Old(share=1.0, strength=0.0).degraded(grey), grey, atol=1e-6)


def test_a_step_in_mixed_precision_sees_the_same_bits():
    grey, twice = greys(20, 16, 16), []
    for mixed in (False, True):
        torch.manual_seed(5)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            twice.append(Old(share=1.0).degraded(grey))
    assert torch.equal(*twice)


def test_crops_equal_those_of_augment_crops():
    images = torch.randint(0, 256, (4, 20, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    found = []
    for each in (Crops(size=8), Old(size=8)):
        torch.manual_seed(2)
        found.append(each(images))
    assert torch.equal(*found)


@pytest.mark.parametrize("values", [{"share": 1.5}, {"strength": -1}, {"size": 0}])
def test_values_out_of_their_range_are_refused(values):
    (name,) = values
    with pytest.raises(InputError, match=f"augment.{name} must be"):
        Old(**values)
