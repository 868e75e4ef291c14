import math
import re

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from colourize.colour.decoding import (
    SMOOTHNESS,
    annealed_mean,
    coherent_sample,
    gumbel,
    most_probable,
    parsed,
    smooth_noise,
)
from colourize.colour.rgb import eight_bit
from colourize.colour.spaces import RGB, SPACES
from colourize.errors import InputError

PALETTE = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))


def scores(*shape: int, seed: int = 1) -> torch.Tensor:
    return 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def probabilities(logits: torch.Tensor) -> np.ndarray:
    powers = np.exp(logits.double().numpy())
    return powers / powers.sum(axis=1, keepdims=True)


def test_at_temperature_1_the_annealed_mean_is_the_mean():
    logits = scores(2, 7, 4, 5)
    expected = np.einsum("nkhw,kc->nchw", probabilities(logits), PALETTE.double().numpy())
    np.testing.assert_allclose(annealed_mean(logits, PALETTE), expected, atol=1e-6)
    assert parsed("mean").values(logits, logits[:, :1], PALETTE).equal(annealed_mean(logits, PALETTE, 1.0))


def test_in_the_limit_of_temperature_0_the_annealed_mean_is_the_arg_max():
    logits = scores(2, 7, 4, 5)
    expected = PALETTE[logits.argmax(1)].movedim(-1, 1)
    assert most_probable(logits, PALETTE).equal(expected)
    gaps = [(annealed_mean(logits, PALETTE, t) - expected).abs().max().item() for t in (1, 0.1, 0.01, 1e-4, 1e-30)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 0


@pytest.mark.parametrize("temperature", [0.38, 3.0])
def test_the_annealed_mean_uses_powers_of_the_probabilities(temperature):
    """Zhang, Isola, Efros 2016, equation 5: z^(1/T) / sum z^(1/T)."""
    logits = scores(2, 7, 4, 5)
    powers = probabilities(logits) ** (1 / temperature)
    shares = powers / powers.sum(axis=1, keepdims=True)
    expected = np.einsum("nkhw,kc->nchw", shares, PALETTE.double().numpy())
    np.testing.assert_allclose(annealed_mean(logits, PALETTE, temperature), expected, atol=1e-6)


def test_gumbel_values_have_the_gumbel_distribution_and_keep_the_order_of_the_normal_values():
    normal = torch.randn(20_000, generator=torch.Generator().manual_seed(2))
    values = gumbel(normal)
    assert values.isfinite().all()
    assert values[normal.argsort()].diff().min() > -1e-6
    assert kstest(values.numpy(), "gumbel_r").pvalue > 0.01
    assert gumbel(torch.tensor([-9.0, 0.0, 9.0])).isfinite().all()


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0, 3.0, 8.0])
def test_noise_has_variance_1_at_every_pixel_and_the_correlation_of_its_formula(sigma):
    fields = smooth_noise((20_000, 7, 9), sigma, torch.Generator().manual_seed(3)).double()
    assert fields.var(0).sub(1).abs().max() < 0.06  # six standard errors
    for distance in (1, 2, 5):
        correlation = (fields[:, 3, 1] * fields[:, 3, 1 + distance]).mean().item()
        expected = math.exp(-(distance**2) / (4 * sigma**2)) if sigma else 0
        assert correlation == pytest.approx(expected, abs=0.05)
    assert fields.mean(0).abs().max() < 0.05


def test_each_pixel_s_class_is_drawn_from_its_probabilities():
    """4,000 seeds on one picture: frequencies within five standard errors, at corners and inside."""
    logits = scores(1, 5, 6, 6)
    lightness = torch.rand(1, 1, 6, 6)
    counts = torch.zeros(5, 6, 6)
    num_draws = 4_000
    for seed in range(num_draws):
        counts += torch.nn.functional.one_hot(coherent_sample(logits, lightness, seed)[0], 5).movedim(-1, 0)
    expected = torch.from_numpy(probabilities(logits)[0])
    error = (expected * (1 - expected) / num_draws).sqrt()
    assert ((counts / num_draws - expected).abs() < 5 * error + 1e-3).all()


def test_neighbours_agree_more_often_than_when_drawn_independently():
    logits = (scores(8, 6, 1, 1, seed=4) / 2).expand(-1, -1, 24, 24)
    lightness = torch.rand(8, 1, 24, 24)

    def agreement(smoothness: float) -> float:
        labels = coherent_sample(logits, lightness, 0, smoothness)
        return (labels[:, :, 1:] == labels[:, :, :-1]).float().mean().item()

    independent = (probabilities(logits[:, :, :1, :1]) ** 2).sum(1).mean()
    assert agreement(0) == pytest.approx(independent, abs=0.03)
    assert agreement(SMOOTHNESS) > 0.8 > 2 * independent


def test_a_sample_depends_on_seed_and_picture_but_not_on_the_batch():
    logits, lightness = scores(5, 7, 8, 6), torch.rand(5, 1, 8, 6)
    together = coherent_sample(logits, lightness, 3)
    alone = torch.cat([coherent_sample(logits[[n]], lightness[[n]], 3) for n in range(5)])
    assert together.equal(alone)
    assert not together.equal(coherent_sample(logits, lightness, 4))
    assert not together[0].equal(coherent_sample(logits[:1], lightness[1:2], 3)[0])


@pytest.mark.parametrize("word", ["argmax", "mean", "annealed:0.4", "sample", "sample:12"])
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_with_grey_kept_every_decoding_has_the_input_s_lightness(word, space):
    logits = scores(2, 7, 5, 6)
    generator = torch.Generator().manual_seed(5)
    palette = space.high * torch.rand(7, space.channels, generator=generator) / 2
    images = torch.randint(0, 256, (2, 5, 6, 3), generator=generator, dtype=torch.uint8)
    lightness = space.lightness(images)
    decoding = parsed(word + "+grey")
    assert decoding.name == word + "+grey"
    shown = eight_bit(decoding(logits, lightness, palette, space).colours).movedim(1, -1)
    gap = 256 * (space.neutral(space.lightness(shown)) - space.neutral(lightness)).abs()
    assert gap.max() <= 1
    if space is not RGB:
        plain = parsed(word)(logits, lightness, palette, space).colours
        assert plain.equal(decoding(logits, lightness, palette, space).colours)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("avarage", "decoding avarage is unknown; pass argmax, mean, annealed:T, sample or sample:SEED"),
        ("mean:0.4", "decoding mean:0.4 is unknown"),
        ("annealed", "decoding annealed is unknown"),
        ("argmax+gray", "decoding argmax+gray is unknown"),
        ("annealed:", "annealed:: the temperature must be > 0 and finite; pass annealed:0.4, for example, or argmax"),
        ("annealed:0", "annealed:0: the temperature must be > 0"),
        ("annealed:-1", "annealed:-1: the temperature must be > 0"),
        ("annealed:nan", "annealed:nan: the temperature must be > 0"),
        ("annealed:cold", "annealed:cold: the temperature must be > 0"),
        ("sample:", "sample:: the seed must be a number"),
        ("sample:-1", "sample:-1: the seed must be a number"),
        ("sample:" + 30 * "9", "the seed must be a number of up to 19 digits"),
        ("", "decoding  is unknown"),
    ],
)
def test_an_unknown_decoding_is_refused_with_the_rule(word, message):
    with pytest.raises(InputError, match=re.escape(message)):
        parsed(word)
