import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from colourize.errors import InputError
from colourize.model import Model
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from colourize.tasks.colourization import losses
from colourize.tasks.colourization.module import Colourizer
from tests.trained import equal, rows, validation_loss, weights


def pixels(seed, num_colours=7, count=50):
    """Logits, log-probabilities, labels and the labels' cross-entropies, in float64."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, num_colours, dtype=torch.float64, generator=generator)
    labels = torch.randint(0, num_colours, (count,), generator=generator)
    return logits, logits.log_softmax(1), labels, F.cross_entropy(logits, labels, reduction="none")


def palette(seed, num_colours=24, channels=3):
    return torch.rand(num_colours, channels, generator=torch.Generator().manual_seed(seed))


def shares(seed, num_colours=24):
    return torch.rand(num_colours, generator=torch.Generator().manual_seed(seed)).double().softmax(0)


def test_label_smoothing_equals_torch_s():
    logits, rows, labels, own = pixels(0)
    expected = F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.3)
    torch.testing.assert_close(losses.smoothed(rows, own, 0.3), expected)


@given(st.integers(0, 2**31), st.floats(0, 5))
def test_focal_is_the_formula_of_the_probability(seed, gamma):
    logits, _, labels, own = pixels(seed)
    probability = logits.softmax(1).numpy()[np.arange(50), labels.numpy()]
    expected = -((1 - probability) ** gamma) * np.log(probability)
    np.testing.assert_allclose(losses.focal(own, gamma), expected, rtol=1e-9, atol=1e-15)


def test_focal_on_two_colours_equals_torchvision_s():
    from torchvision.ops import sigmoid_focal_loss

    logits, _, labels, own = pixels(1, num_colours=2)
    expected = sigmoid_focal_loss(logits[:, 1] - logits[:, 0], labels.double(), alpha=-1, gamma=2)
    torch.testing.assert_close(losses.focal(own, 2), expected)


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_focal_has_a_finite_slope_at_certain_pixels(gamma):
    own = torch.tensor([0.0, 1e-30, 1e-7, 50], requires_grad=True)
    losses.focal(own, gamma).sum().backward()
    assert own.grad.isfinite().all()


def test_focal_and_smoothing_at_zero_are_cross_entropy():
    _, rows, _, own = pixels(2)
    torch.testing.assert_close(losses.focal(own, 0), own)
    torch.testing.assert_close(losses.smoothed(rows, own, 0), own)


@given(st.integers(0, 2**31), st.floats(0, 1), st.just(0.0) | st.floats(0.05, 3), st.sampled_from([2, 3]))
def test_rebalancing_is_zhang_s_formula_and_averages_to_one_under_the_prior(seed, uniform, sigma, channels):
    centres, prior = palette(seed, channels=channels).double().numpy(), shares(seed).numpy()
    distances = np.sqrt(((centres[:, None] - centres) ** 2).sum(-1))
    smoothed = prior
    if sigma:
        spacing = np.sort(distances, axis=1)[:, 1].mean()
        smoothed = np.zeros(24)
        for mass, row in zip(prior, distances, strict=True):
            kernel = np.exp(-(row**2) / (2 * (sigma * spacing) ** 2))
            smoothed += mass * kernel / kernel.sum()
    assert smoothed.sum() == pytest.approx(1)
    expected = 1 / ((1 - uniform) * smoothed + uniform / 24)
    expected /= (smoothed * expected).sum()
    found = losses.class_weights(torch.from_numpy(prior), torch.from_numpy(centres), uniform, sigma).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (smoothed * found).sum() == pytest.approx(1)


def test_rare_colours_have_higher_weights_and_lambda_one_gives_equal_weights():
    prior = shares(3)
    weighed = losses.class_weights(prior, palette(3), 0.5, 0)
    assert weighed.argsort().equal(prior.argsort(descending=True))
    torch.testing.assert_close(losses.class_weights(prior, palette(3), 1, 0.5), torch.ones(24, dtype=torch.float64))


def test_a_colour_that_never_occurs_does_not_spoil_the_weights():
    prior = torch.tensor([0.0, 3, 1])
    assert losses.class_weights(prior, palette(0, 3), 0, 0).tolist() == pytest.approx([0, 2 / 3, 2])


@given(st.integers(0, 2**31), st.integers(1, 30), st.floats(0.1, 3), st.sampled_from([2, 3]))
def test_soft_encoding_spreads_a_label_over_scikit_learn_s_nearest_centres(seed, neighbours, sigma, channels):
    centres = palette(seed, channels=channels).double()
    count = min(neighbours, 24)
    nearest, found = losses.soft_encoding(centres, neighbours, sigma)
    distances, indices = NearestNeighbors(n_neighbors=count).fit(centres.numpy()).kneighbors(centres.numpy())
    np.testing.assert_array_equal(nearest, indices)
    beside = NearestNeighbors(n_neighbors=1).fit(centres.numpy()).kneighbors()[0].mean()
    expected = np.exp(-(distances**2) / (2 * (sigma * beside) ** 2))
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), rtol=1e-7, atol=1e-12)
    assert (nearest[:, 0] == torch.arange(24)).all()


def test_the_loss_of_soft_labels_equals_torch_s_for_probabilities():
    logits, rows, labels, _ = pixels(4)
    nearest, spread = losses.soft_encoding(palette(4, 7), 3, 0.5)
    targets = torch.zeros(7, 7, dtype=torch.float64).scatter_(1, nearest, spread)[labels]
    expected = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(losses.softly_encoded(rows, labels, nearest, spread), expected)


def test_with_one_neighbour_it_is_cross_entropy():
    _, rows, labels, own = pixels(5)
    torch.testing.assert_close(losses.softly_encoded(rows, labels, *losses.soft_encoding(palette(5, 7), 1, 0.5)), own)


@given(st.integers(0, 2**31), st.floats(0.01, 100))
def test_widths_follow_the_scale_of_the_palette(seed, scale):
    centres, prior = palette(seed).double(), shares(seed)
    torch.testing.assert_close(
        losses.class_weights(prior, centres, 0.5, 0.5), losses.class_weights(prior, scale * centres, 0.5, 0.5)
    )


def test_a_palette_with_every_colour_twice_is_refused():
    with pytest.raises(InputError, match="every colour occurs twice"):
        losses.spacing(torch.ones(4, 3))


def test_the_prior_counts_every_pixel():
    labels = torch.randint(0, 5, (2300, 2, 3), dtype=torch.uint8)
    expected = np.bincount(labels.numpy().ravel(), minlength=7)
    assert losses.prior(labels, 7).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        (losses.Focal(1.5), lambda rows, labels, own, tables: losses.focal(own, 1.5)),
        (losses.Smoothed(0.2), lambda rows, labels, own, tables: losses.smoothed(rows, own, 0.2)),
        (losses.Rebalanced(0.5, 0.5), lambda rows, labels, own, tables: tables[0][labels] * own),
        (losses.Soft(4, 0.5), lambda rows, labels, own, tables: losses.softly_encoded(rows, labels, *tables[1])),
        (
            losses.Soft(4, 0.5, 0.5),
            lambda rows, labels, own, tables: tables[0][labels] * losses.softly_encoded(rows, labels, *tables[1]),
        ),
    ],
    ids=["focal", "smoothed", "rebalanced", "soft", "Zhang, Isola, Efros 2016"],
)
def test_a_step_trains_on_the_criterion_counts_arg_max_and_validates_by_cross_entropy(criterion, expected):
    centres, prior = palette(6, 7), shares(6, 7)
    criterion.fit(centres, prior)
    tables = losses.class_weights(prior, centres, 0.5, 0.5).float(), losses.soft_encoding(centres, 4, 0.5)
    network = torch.nn.Conv2d(1, 7, 1)
    module = Colourizer(Model(network, centres), {}, criterion=criterion)
    grey, labels = torch.rand(3, 1, 4, 6), torch.randint(0, 7, (3, 4, 6))
    shown = module.training_step((grey, labels), 0)
    logits = network(grey)
    rows = logits.permute(0, 2, 3, 1).reshape(-1, 7).log_softmax(1)
    own = F.cross_entropy(logits, labels, reduction="none").flatten()
    assert shown["loss"].item() == pytest.approx(expected(rows, labels.flatten(), own, tables).mean().item(), rel=1e-5)
    assert shown["accuracy"].item() == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    module.on_validation_epoch_start()
    module.validation_step((grey, labels), 0)
    assert (module.sums[0] / module.sums[2]).item() == pytest.approx(own.mean().item(), rel=1e-6)


def test_the_tables_of_a_loss_follow_the_module_and_are_not_saved():
    criterion = losses.Soft(uniform=0.5)
    criterion.fit(palette(7), shares(7))
    module = Colourizer(Model(torch.nn.Conv2d(1, 24, 1), palette(7)), {}, criterion=criterion)
    assert set(module.state_dict()) == {"model.palette", "model.network.weight", "model.network.bias"}
    assert module.to("meta").criterion.weights.device.type == "meta"


@pytest.mark.parametrize("loss", ["rebalanced", "soft", "focal", "smoothed"])
def test_every_loss_trains_another_network_is_named_and_saved_without_it(finished_run, quick, tmp_path, loss, capsys):
    metrics = train(quick(f"loss={loss}"), tmp_path)
    assert f"trained on loss={loss} (train/loss); val/loss is plain cross-entropy" in capsys.readouterr().out
    assert metrics["val/loss"] == pytest.approx(validation_loss(tmp_path), abs=1e-5)
    assert not equal(weights(tmp_path), weights(finished_run))
    assert weights(tmp_path).keys() == weights(finished_run).keys()
    load(tmp_path / "checkpoints/last.ckpt")


def test_a_loss_without_effect_trains_the_same_network(quick, tmp_path):
    for name, words in (("plain", []), ("focal", ["loss=focal", "loss.gamma=0"])):
        train(quick("precision=64-true", *words), tmp_path / name)
    for column in ("train/loss", "val/loss"):
        first, second = ([float(row[column]) for row in rows(tmp_path / name)] for name in ("plain", "focal"))
        assert first == pytest.approx(second, rel=1e-9)
