import numpy as np
import pytest
import torch

from colourize.colour import hints
from colourize.models.resunet import ResUNet


def colours(count=3, height=12, width=17):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def painted(colours, owner, centres, sizes):
    """The same in numpy, hint by hint."""
    found = np.zeros((len(colours), 4, *colours.shape[2:]))
    for picture, (row, column), size in zip(owner, centres, sizes, strict=True):
        rows = slice(max(0, row - size // 2), max(0, row - size // 2 + size))
        columns = slice(max(0, column - size // 2), max(0, column - size // 2 + size))
        patch = colours.numpy()[picture, :, rows, columns]
        found[picture, :3, rows, columns] = patch.mean((1, 2), dtype=np.float64)[:, None, None]
        found[picture, 3, rows, columns] = 1
    return found


def test_patches_have_the_mean_colour_of_their_pixels_and_later_ones_cover_earlier_ones():
    rng = np.random.default_rng(0)
    owner, sizes = rng.integers(0, 3, 40), rng.integers(1, 10, 40)
    centres = np.stack([rng.integers(0, 12, 40), rng.integers(0, 17, 40)], axis=1)
    ours = hints.patched(colours(), *(torch.from_numpy(part) for part in (owner, centres, sizes)))
    assert np.allclose(ours.numpy(), painted(colours(), owner, centres, sizes), atol=1e-6)


def test_without_hints_all_channels_are_zero():
    none = torch.zeros(0, dtype=torch.int64)
    assert torch.equal(hints.patched(colours(), none, none.view(0, 2), none), torch.zeros(3, 4, 12, 17))


def test_hints_of_one_pixel_have_the_true_colours_at_the_given_number_of_places():
    given = hints.scattered(colours(), 30, 1, torch.Generator().manual_seed(1))
    assert given[:, 3].sum((1, 2)).tolist() == [30] * 3
    assert torch.allclose(given[:, :3], colours() * given[:, 3:], atol=1e-6)
    assert torch.equal(hints.scattered(colours(), 12 * 17, 1, torch.Generator())[:, 3], torch.ones(3, 12, 17))


def test_the_number_of_hints_is_geometric_and_their_centres_normal(monkeypatch):
    """Mean (1 - p) / p = 7 hints per picture, none in an eighth of the pictures; centres around the middle."""
    torch.manual_seed(0)
    seen = {}
    monkeypatch.setattr(hints, "patched", lambda colours, *rest: seen.update(zip(("owner", "at", "size"), rest)))  # noqa: B905
    hints.drawn(torch.zeros(4000, 3, 64, 64))
    numbers = seen["owner"].bincount(minlength=4000).double()
    assert numbers.mean().item() == pytest.approx(7, abs=0.4)
    assert (numbers == 0).double().mean().item() == pytest.approx(1 / 8, abs=0.02)
    centres = seen["at"].double()
    assert torch.allclose(centres.mean(0), torch.tensor([31.5, 31.5], dtype=torch.double), atol=0.5)
    assert (centres[:, 0] - 31.5).abs().lt(16).double().mean().item() == pytest.approx(0.683, abs=0.02)  # one sigma
    assert set(seen["size"].tolist()) == set(range(1, 10))


def test_no_hints_and_empty_hints_give_the_same_scores():
    torch.manual_seed(0)
    network = ResUNet(4, 5, hints=True).eval()
    grey = torch.rand(2, 1, 13, 18)
    with torch.no_grad():
        none = network(torch.cat((grey, torch.zeros(2, 4, 13, 18)), dim=1))
        some = network(torch.cat((grey, hints.everywhere(colours(2, 13, 18))), dim=1))
        assert torch.equal(network(grey), none)
        assert not torch.allclose(some, none)
