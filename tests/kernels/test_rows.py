"""The kernels against torch's own operators, and in networks."""

import copy

import pytest
import torch
import torch.nn.functional as F

from colourize.config.instantiate import instantiate
from colourize.kernels import rows
from colourize.training import fused
from tests.conftest import knobs
from tests.nets import MODELS

pytestmark = pytest.mark.skipif(rows.library() is None, reason="no C compiler")
SHAPES = [(1, 1, 1, 2), (2, 3, 5, 7), (3, 24, 8, 8), (2, 32, 1, 9), (1, 129, 4, 3), (2, 313, 6, 5)]
BANDS = {torch.float32: 1e-5, torch.bfloat16: 2**-7}  # bfloat16 keeps eight digits in base two


def drawn(shape, dtype, scale=1.0):
    return (scale * torch.randn(shape) + 3).to(dtype).to(memory_format=torch.channels_last)


def by_torch(x, weight, bias, relu):
    y = F.batch_norm(x.double(), None, None, weight.double(), bias.double(), True, 0.1, 1e-5)
    return F.relu(y) if relu else y


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("dtype", BANDS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_batch_norm_and_its_gradients_equal_torch_s_in_double_precision(shape, relu, dtype, count, monkeypatch):
    monkeypatch.setattr(rows, "threads", lambda: count)
    torch.manual_seed(0)
    x, weight, bias = drawn(shape, dtype), torch.rand(shape[1]) + 0.5, torch.randn(shape[1])
    x, weight, bias = (each.requires_grad_() for each in (x, weight, bias))
    y, mean, variance = rows.normalized(x, weight, bias, 1e-5, relu)
    expected = by_torch(x, weight, bias, relu)
    band = BANDS[dtype] * expected.abs().max().item() + 1e-5
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=band)
    torch.testing.assert_close(mean, x.float().mean((0, 2, 3)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(variance, x.float().var((0, 2, 3), correction=0), rtol=1e-4, atol=1e-6)
    upstream = torch.randn(shape).to(dtype)
    clear = (expected.abs() > band) | torch.tensor(not relu)  # near 0, rounding decides about ReLU
    upstream = upstream * clear
    ours = torch.autograd.grad(y, (x, weight, bias), upstream.to(y.dtype))
    theirs = torch.autograd.grad(expected, (x, weight, bias), upstream.double())
    for own, other in zip(ours, theirs, strict=True):
        scale = other.double().abs().max().item() + 1
        torch.testing.assert_close(own.double(), other.double(), rtol=0, atol=2 * BANDS[dtype] * scale)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", BANDS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_cross_entropy_its_gradient_and_the_share_of_hits_equal_torch_s(shape, dtype, count, monkeypatch):
    monkeypatch.setattr(rows, "threads", lambda: count)
    torch.manual_seed(0)
    logits = drawn(shape, dtype, 4.0).requires_grad_()
    labels = torch.randint(shape[1], (shape[0], *shape[2:]))
    loss, share = rows.cross_entropy(logits, labels)
    expected = F.cross_entropy(logits.double(), labels)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-7)
    tops = logits.amax(1) == logits.gather(1, labels[:, None])[:, 0]
    assert share.item() == pytest.approx(tops.float().mean().item(), abs=1e-6)
    (own,) = torch.autograd.grad(loss, logits, torch.tensor(0.5))
    (other,) = torch.autograd.grad(expected, logits, torch.tensor(0.5, dtype=torch.double))
    torch.testing.assert_close(own.double(), other.double(), rtol=BANDS[dtype], atol=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", BANDS)
@pytest.mark.parametrize("count", [1, 3])
def test_evaluated_is_torch_s_loss_and_the_share_of_the_arg_max_also_with_ties(shape, dtype, count, monkeypatch):
    monkeypatch.setattr(rows, "threads", lambda: count)
    torch.manual_seed(0)
    labels = torch.randint(shape[1], (shape[0], *shape[2:]))
    for logits in (drawn(shape, dtype, 4.0), drawn(shape, dtype, 1.0).round()):
        loss, share = rows.evaluated(logits, labels)
        assert loss.item() == pytest.approx(F.cross_entropy(logits.double(), labels).item(), rel=1e-6, abs=1e-7)
        assert share.item() == pytest.approx((logits.argmax(1) == labels).double().mean().item(), abs=1e-6)
    with pytest.raises(IndexError, match="labels must be in"):
        rows.evaluated(logits, labels + shape[1])


def test_large_logits_do_not_overflow_and_nan_stays_nan():
    logits = (
        torch.tensor([[1e30, -1e30], [0.0, -200.0]]).T.reshape(1, 2, 1, 2).contiguous(memory_format=torch.channels_last)
    )
    labels = torch.tensor([[[1, 0]]])
    loss, _ = rows.cross_entropy(logits, labels)
    assert loss.item() == pytest.approx(F.cross_entropy(logits, labels).item())
    logits[0, 0, 0, 0] = torch.nan
    assert rows.cross_entropy(logits, labels)[0].isnan()
    assert rows.normalized(logits, torch.ones(2), torch.zeros(2), 1e-5, True)[0].isnan().any()


@pytest.mark.parametrize("label", [-1, 5, -(2**62)])
def test_a_label_outside_of_the_colours_is_an_error_and_reads_no_foreign_memory(label):
    logits = drawn((1, 5, 2, 2), torch.float32)
    with pytest.raises(IndexError, match=r"labels must be in \[0, 5\)"):
        rows.cross_entropy(logits, torch.full((1, 2, 2), label))


def test_a_mean_far_from_zero_costs_no_digits_of_the_variance():
    x = (torch.randn(4, 3, 16, 16) + 10_000).to(memory_format=torch.channels_last)
    _, _, variance = rows.normalized(x, torch.ones(3), torch.zeros(3), 1e-5, False)
    torch.testing.assert_close(variance, x.double().var((0, 2, 3), correction=0).float(), rtol=1e-3, atol=0)


def test_the_same_number_of_threads_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(rows, "threads", lambda: 4)
    x = drawn((5, 24, 17, 13), torch.float32)
    labels = torch.randint(24, (5, 17, 13))
    first, again = (
        (*rows.normalized(x, x[0, :, 0, 0], x[0, :, 1, 0], 1e-5, True), *rows.cross_entropy(x, labels)) for _ in "ab"
    )
    assert all(one.equal(other) for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize("name", sorted({*MODELS} - {"lookup", "prior", "encoder_unet"}))
def test_a_step_of_a_network_equals_torch_s_and_the_network_is_as_before(name):
    torch.manual_seed(0)
    network = (
        instantiate(knobs(f"model={name}", "num_filters=4")["model"]).to(memory_format=torch.channels_last).train()
    )
    other, grey, before = copy.deepcopy(network), torch.rand(3, 1, 16, 16), str(network)
    logits = other(grey)
    labels = torch.randint(logits.shape[1], (3, *logits.shape[2:]))
    expected = F.cross_entropy(logits, labels)
    expected.backward()
    with fused.norms(network):
        changed = [norm for norm in network.modules() if type(norm) is fused.FusedNorm]
        assert changed and (name == "pointwise" or any(norm.relu for norm in changed))
        ours = network(grey)
        loss, _ = rows.cross_entropy(ours, labels)
        loss.backward()
    assert str(network) == before
    torch.testing.assert_close(ours, logits, rtol=0, atol=1e-4)
    largest = max(weight.grad.abs().max().item() for weight in other.parameters())
    for own, theirs in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=0, atol=1e-4 * largest)
    for (key, own), theirs in zip(network.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5, msg=key)


def test_without_a_compiler_or_on_other_tensors_torch_s_operators_are_used(monkeypatch):
    suiting = drawn((2, 3, 4, 4), torch.float32)
    assert rows.suits(suiting)
    assert not any(
        map(rows.suits, (suiting.double(), suiting[:0], suiting[0], suiting[..., ::2], torch.rand(2, 3, 4, 4)))
    )
    monkeypatch.setattr(rows, "library", lambda: None)
    norm = torch.nn.BatchNorm2d(3)
    plain, x = copy.deepcopy(norm), suiting
    with fused.norms(norm):
        assert norm(x).equal(plain(x))
