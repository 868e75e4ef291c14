import io

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from colourize.data.labelled import prepared
from colourize.data.pictures import example_index
from colourize.present.figures import picture_grid
from colourize.report.strips import TAG, png, read
from colourize.runs.trained import load
from colourize.tasks.colourization.examples import examples
from tests.drawn_pictures import encoded


def test_a_run_s_pictures_are_those_of_its_last_checkpoint(finished_run):
    trained = load(finished_run / "checkpoints/last.ckpt")
    data = prepared(trained.config)
    rows = examples(trained.model, *data.validation[example_index(len(data.validation))])
    found = read(finished_run)
    for name, strip in zip(("grey", "true class", "predicted"), found, strict=True):
        want = picture_grid(rows[name], zoom=1).mul(255).add(0.5).clamp(0, 255).byte().permute(1, 2, 0).numpy()
        np.testing.assert_allclose(strip.astype(int), want.astype(int), atol=1)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_rows_are_cut_out_of_the_grid(tmp_path, count):
    rows = [torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(row)).mul(255).round() / 255
            for row in range(3)]  # fmt: skip
    with SummaryWriter(tmp_path / "tensorboard") as writer:
        for step, shown in enumerate((torch.zeros(3, count, 3, 8, 8), rows)):
            writer.add_image(TAG, picture_grid(*shown), step)
    for row, strip in zip(rows, read(tmp_path), strict=True):
        assert strip.shape == (10, 9 * count + 1, 3)
        want = row[count - 1].mul(255).round().byte().permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(strip[1:9, -9:-1], want)


def test_a_run_without_pictures_has_none(tmp_path):
    assert read(tmp_path) is None
    with SummaryWriter(tmp_path / "tensorboard") as writer:
        writer.add_scalar("loss", 1.0, 0)
    assert read(tmp_path) is None


@pytest.mark.parametrize("contents", [b"", b"no picture", b"half", b"tiny"])
def test_a_damaged_picture_is_left_out(tmp_path, contents):
    file = encoded(Image.new("RGB", (1, 1) if contents == b"tiny" else (30, 30)))
    contents = {b"tiny": file, b"half": file[:50]}.get(contents, contents)
    with SummaryWriter(tmp_path / "tensorboard") as writer:
        image = Summary.Image(height=30, width=30, colorspace=3, encoded_image_string=contents)
        writer._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=TAG, image=image)]))
    assert read(tmp_path) is None


@pytest.mark.parametrize("colours", [2, 24, 256, 400])
def test_a_strip_is_stored_without_loss(colours):
    rng = np.random.default_rng(0)
    strip = rng.integers(0, 256, (colours, 3), dtype=np.uint8)[rng.integers(0, colours, (34, 331))]
    with Image.open(io.BytesIO(png(strip))) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), strip)
