import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from colourize.config.instantiate import instantiate
from colourize.data.scenes import load
from colourize.kernels import rows
from colourize.model import Model
from colourize.tasks.chosen import train
from colourize.tasks.colourization.module import (
    Colourizer,
    highest,
    log_probabilities,
    pixel_cross_entropy,
)
from colourize.training.module import all_finite
from tests.colour_data import colour_data
from tests.conftest import knobs


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(2, 30), st.integers(1, 9))
def test_the_loss_is_the_mean_negative_log_likelihood(seed, num_pictures, num_colours, side):
    generator = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(num_pictures, num_colours, side, side + 1, generator=generator)
    labels = torch.randint(0, num_colours, (num_pictures, side, side + 1), generator=generator)
    one_hot = F.one_hot(labels, num_colours).permute(0, 3, 1, 2).double()
    expected = -(one_hot * logits.double().log_softmax(dim=1)).sum(dim=1).mean()
    assert math.isclose(pixel_cross_entropy(logits, labels), expected, rel_tol=1e-5, abs_tol=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 40))
def test_halving_finds_the_maximum(seed, num_rows, num_columns):
    rows = torch.randn(num_rows, num_columns, generator=torch.Generator().manual_seed(seed))
    assert highest(rows).equal(rows.amax(dim=1))
    rows[0, seed % num_columns] = math.nan
    assert highest(rows)[0].isnan()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_log_probabilities_equal_those_of_softmax_in_single_precision_or_better(dtype):
    logits = torch.randn(2, 5, 3, 4).to(dtype)
    rows = log_probabilities(logits)
    assert rows.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    expected = logits.double().softmax(dim=1).log().permute(0, 2, 3, 1).reshape(-1, 5)
    torch.testing.assert_close(rows.double(), expected, atol=1e-5, rtol=0)


def test_training_accuracy_counts_pixels_with_the_label_as_arg_max():
    network = torch.nn.Conv2d(1, 5, 1)
    grey, labels = torch.rand(3, 1, 4, 6), torch.randint(0, 5, (3, 4, 6))
    shown = Colourizer(Model(network, torch.zeros(5, 3)), {}).training_step((grey, labels), 0)
    logits = network(grey)
    assert shown["accuracy"].item() == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert shown["loss"].item() == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-6)


@pytest.mark.parametrize("model", ["poolupsample", "convtranspose", "unet"])
def test_three_steps_equal_a_plain_loop(model, tmp_path):
    """Same initial weights, same batches: the losses of an explicit loop, in plain memory order.

    In float64: in float32 Adam divides the rounding errors of tiny gradients by their own size.
    """
    settings = [
        "data=scenes",
        "data.num_train=60",
        "data.num_validation=4",
        "batch_size=20",
        "max_epochs=1",
        "precision=64-true",
        "num_filters=4",
    ]
    config = knobs(f"model={model}", *settings, f"cache_dir={tmp_path}", "seed=5")
    pictures = load(60, 4)
    data = colour_data(pictures, tmp_path, batch_size=20, seed=5)
    palette = data.pictures.palette
    torch.manual_seed(5)
    network = instantiate(config["model"]).double()
    plain, plain_losses = copy.deepcopy(network), []
    module = Colourizer(Model(network, palette), config, optimizer=instantiate(config["optimizer"], partial=True))

    sampler = data.train_dataloader().sampler
    sampler.set_epoch(0)
    grey = pictures.train.double().mean(dim=-1)[:, None].float().double() / 256
    distance = (pictures.train[..., None, :].double() / 256 - palette.double()) ** 2
    labels = distance.sum(dim=-1).argmin(dim=-1)
    adam = torch.optim.Adam(plain.parameters(), lr=0.001)
    for index in sampler:
        adam.zero_grad()
        loss = F.cross_entropy(plain(grey[index]), labels[index])
        loss.backward()
        adam.step()
        plain_losses.append(loss.item())

    ours, optimizer = [], module.configure_optimizers()
    for number, (grey_batch, label_batch) in enumerate(data.train_dataloader()):
        optimizer.zero_grad()
        loss = module.training_step((grey_batch.double(), label_batch), number)["loss"]
        loss.backward()
        optimizer.step()
        ours.append(loss.item())
    assert len(ours) == 3
    assert ours == pytest.approx(plain_losses, abs=1e-6)

    metrics = train(config, tmp_path / "run")  # the whole stack: the mean over the epoch equals the plain loop's
    assert metrics["train/loss"] == pytest.approx(sum(plain_losses) / 3, abs=1e-6)


def test_validation_is_the_mean_over_pictures_for_any_batches():
    """Batches of 3, 3 and 1: not the mean of the batches' means."""
    module = Colourizer(Model(torch.nn.Conv2d(1, 5, 1), torch.zeros(5, 3)), {}, table_loss=2.0)
    grey, labels = torch.rand(7, 1, 4, 6), torch.randint(0, 5, (7, 4, 6))
    logged = {}
    module.log_dict = lambda means, **_: logged.update(means)
    module.log = lambda name, value, **_: logged.update({name: value})
    module.on_validation_epoch_start()
    with torch.no_grad():
        for number, part in enumerate(torch.arange(7).split(3)):
            module.validation_step((grey[part], labels[part]), number)
        module.on_validation_epoch_end()
        logits = module(grey)
    loss = F.cross_entropy(logits, labels).item()
    assert logged["val/loss"] == pytest.approx(loss, rel=1e-6)
    assert logged["val/accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item(), rel=1e-6)
    assert logged["val/skill"] == pytest.approx(1 - loss / 2, rel=1e-6)


@pytest.mark.parametrize("fused", [False, rows.library() is not None])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("part", [False, True], ids=["whole", "with a part of its memory"])
def test_the_check_of_gradients_finds_a_value_that_is_not_finite(value, fused, dtype, part):
    tensors = [torch.randn(3, 4, dtype=dtype), torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)]
    tensors += [torch.randn(4, 6)[:, 1:3]] * part
    assert all(map(rows.in_one_piece, tensors)) == (dtype == torch.float32 and not part)
    for tensor in tensors:
        assert all_finite(tensors, fused)
        for place in (0, tensor.numel() - 1):
            index = tuple(torch.unravel_index(torch.tensor(place), tensor.shape))
            before = tensor[index].item()
            tensor[index] = value
            assert not all_finite(tensors, fused)
            tensor[index] = before


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("length", [0, 1, 31, 2_000_000])
@pytest.mark.skipif(rows.library() is None, reason="no C compiler")
def test_the_kernel_knows_finite_values_to_the_largest_and_the_smallest(count, length, monkeypatch):
    monkeypatch.setattr(rows, "threads", lambda: count)
    tensors = [torch.full((length,), each) for each in (torch.finfo(torch.float32).max, -1e-45, -0.0)]
    assert rows.finite(tensors)
    for value in (math.nan, math.inf, -math.inf):
        for tensor in tensors:
            for place in {0, length // 2, length - 1} if length else ():
                tensor[place], before = value, tensor[place].item()
                assert not rows.finite(tensors)
                tensor[place] = before
    assert rows.finite(tensors)


def test_a_module_built_to_predict_does_not_train():
    module = Colourizer(Model(torch.nn.Conv2d(1, 2, 1), torch.zeros(2, 3)), {})
    with pytest.raises(RuntimeError, match="has no optimizer, so it can only predict"):
        module.configure_optimizers()
