"""Temperature scaling, compared with known temperatures, autograd and scipy's minimizer. P pixels, K colours."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from colourize.errors import InputError
from colourize.evaluation.calibration import Tempered, fit_temperature, halves, slope
from colourize.runs.temperature import beside, read_temperature, write_temperature


def drawn(temperature=1.0, pixels=4000, num_colours=6, seed=0):
    """Logits [P, K] and labels [P] drawn from softmax(logits / temperature)."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(pixels, num_colours, generator=generator)
    return logits, (logits / temperature).softmax(1).multinomial(1, generator=generator)[:, 0]


def cross_entropy(logits, labels, inverse):
    z = inverse * logits.double().numpy()
    return float((logsumexp(z, axis=1) - z[np.arange(len(z)), labels.numpy()]).mean())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_true_temperature_of_drawn_labels_is_found(temperature):
    assert fit_temperature(*drawn(temperature, 40_000)) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_fit_equals_scipy_s_minimum(seed):
    logits, labels = drawn(1.7, seed=seed)
    best = minimize_scalar(lambda b: cross_entropy(logits, labels, b), bounds=(0.01, 10), method="bounded",
                           options={"xatol": 1e-8})  # fmt: skip
    assert 1 / fit_temperature(logits, labels) == pytest.approx(best.x, rel=1e-4)


@pytest.mark.parametrize("inverse", [0.1, 1.0, 5.0])
def test_the_slope_equals_autograd_s(inverse):
    logits, labels = drawn()
    b = torch.tensor(inverse, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(b * logits.double(), labels).backward()
    assert slope(logits, labels, inverse) == pytest.approx(b.grad.item(), abs=1e-6)


def test_the_slope_rises_with_the_inverse_temperature_for_the_cross_entropy_is_convex():
    logits, labels = drawn()
    slopes = [slope(logits, labels, inverse) for inverse in np.linspace(0.01, 20, 50)]
    assert (np.diff(slopes) > 0).all()


def test_many_chunks_add_up_to_the_whole(monkeypatch):
    logits, labels = drawn()
    whole = slope(logits, labels, 0.7)
    monkeypatch.setattr("colourize.evaluation.calibration.VALUES", 6 * 17)
    assert slope(logits, labels, 0.7) == pytest.approx(whole, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.2, 5), st.integers(0, 100))
def test_a_sharper_network_gets_a_temperature_as_many_times_higher(factor, seed):
    logits, labels = drawn(1.3, 1000, seed=seed)
    assert fit_temperature(factor * logits, labels) == pytest.approx(factor * fit_temperature(logits, labels), rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 4), st.integers(0, 100))
def test_the_fit_never_raises_the_cross_entropy_of_its_own_pixels_and_a_second_one_changes_nothing(temperature, seed):
    logits, labels = drawn(temperature, 1000, seed=seed)
    fitted = fit_temperature(logits, labels)
    assert cross_entropy(logits, labels, 1 / fitted) <= cross_entropy(logits, labels, 1) + 1e-12
    assert fit_temperature(logits / fitted, labels) == pytest.approx(1, abs=1e-3)


def test_the_most_probable_colour_stays():
    network = torch.nn.Conv2d(1, 6, 3, padding=1)
    grey = torch.rand(2, 1, 8, 8)
    assert Tempered(network, 2.5)(grey).argmax(1).equal(network(grey).argmax(1))
    torch.testing.assert_close(2.5 * Tempered(network, 2.5)(grey), network(grey))


@pytest.mark.parametrize(
    ("logits", "labels", "reason"),
    [
        (torch.eye(4).repeat(10, 1), torch.arange(4).repeat(10), "right on .* all 40 pixels"),
        (
            torch.eye(4).repeat(10, 1),
            torch.arange(1, 5).remainder(4).repeat(10),
            "confidence is unrelated to the colours",
        ),
        (torch.zeros(8, 4), torch.arange(4).repeat(2), "confidence is unrelated to the colours"),
        (torch.full((4, 4), torch.nan), torch.arange(4), "diverged"),
    ],
)
def test_a_fit_without_a_minimum_states_the_reason(logits, labels, reason):
    with pytest.raises(InputError, match=reason):
        fit_temperature(logits, labels)


def test_a_written_temperature_is_read_only_for_the_same_weights(tmp_path):
    checkpoint = tmp_path / "last.ckpt"
    checkpoint.write_bytes(b"weights")
    with pytest.raises(InputError, match="has no fitted temperature; run colourize calibrate"):
        read_temperature(checkpoint)
    assert write_temperature(checkpoint, 1.25, 10) == beside(checkpoint) == tmp_path / "last.temperature.json"
    assert read_temperature(checkpoint) == 1.25
    checkpoint.write_bytes(b"other weights")
    with pytest.raises(InputError, match="fitted to other weights"):
        read_temperature(checkpoint)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"temperature": "x", "checkpoint": ""}', '{"temperature": 1'])
def test_a_damaged_file_is_refused(tmp_path, text):
    beside(tmp_path / "last.ckpt").write_text(text)
    with pytest.raises(InputError, match="damaged"):
        read_temperature(tmp_path / "last.ckpt")


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_a_temperature_for_other_weights_is_not_used(tmp_path, temperature):
    beside(tmp_path / "last.ckpt").write_text(json.dumps({"temperature": temperature, "checkpoint": ""}))
    with pytest.raises(InputError, match="must contain a temperature in"):
        read_temperature(tmp_path / "last.ckpt")


def test_a_temperature_fitted_to_half_the_pictures_calibrates_the_others():
    """The logits are 2 z and the labels are drawn from softmax(z), so T = 2."""
    generator = torch.Generator().manual_seed(0)
    sampled = []
    for _ in range(20):
        z = 2 * torch.randn(400, 6, generator=generator)
        labels = z.softmax(1).multinomial(1, generator=generator)[:, 0]
        sampled.append((2 * z, labels))
    found = halves(sampled)
    assert found.temperature == pytest.approx(2, rel=0.05)
    assert found.ece[1] < 0.02 < found.ece[0] and found.loss[1] < found.loss[0]
    z, labels = (torch.cat(each) for each in zip(*sampled[1::2], strict=True))
    assert found.loss[0] == pytest.approx(torch.nn.functional.cross_entropy(z, labels).item(), abs=1e-5)
    assert halves(sampled[:1]) is None and halves([(z[:3], z[:3].argmax(1))] * 2) is None
