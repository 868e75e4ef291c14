import json

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from colourize.colour.decoding import parsed
from colourize.colour.spaces import SPACES
from colourize.data.labelled import labelled
from colourize.data.pictures import Pictures
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.evaluation import metrics, photograph_files, photograph_table
from colourize.evaluation.photograph_files import scaled
from colourize.evaluation.photograph_floors import SEPIA, TABLE, fitted, read, write
from colourize.evaluation.photograph_measures import measured
from colourize.evaluation.photograph_scores import scores
from colourize.evaluation.photograph_table import evaluate
from colourize.evaluation.photographs import SATURATIONS, crossing
from colourize.evaluation.yardstick import GREY, Yardstick
from colourize.model import Model
from colourize.tasks.chosen import train
from tests.block_models import PALETTE, Redness, block_model, save
from tests.conftest import knobs
from tests.encoders import words

T = 1.0, 0.4, 0.1


@pytest.fixture
def model():
    return block_model()


def test_equal_sizes_give_the_figures_of_the_yardstick(model, tmp_path):
    images = load(6, 2, image_size=32).train
    for number, image in enumerate(images):
        Image.fromarray(image.numpy()).save(tmp_path / f"{number}.png")
    pictures = Pictures(images, images)
    both = labelled(pictures, PALETTE, tmp_path / "cache", SPACES["lab"], 4)
    yardstick = Yardstick(pictures, both.train, both.validation, PALETTE, SPACES["lab"])
    found = measured(model, tmp_path, floors=fitted(both, tmp_path / "cache"), temperatures=T)
    rows = [yardstick.row(yardstick.decoded("x", model, parsed(word))) for word in ("mean", "annealed:0.4")]
    for column, row in enumerate(rows):
        assert torch.allclose(found.psnr[:, column], row.columns["psnr"].double(), atol=1e-4)
        assert torch.allclose(found.colourfulness[:, column], row.columns["colourfulness"].double(), atol=1e-3)
    own, grey = yardstick.row(yardstick.model("x", model)), {row.name: row for row in yardstick.floors()}[GREY]
    assert torch.allclose(found.loss, own.columns["cross_entropy"].double(), atol=1e-5)
    assert found.floors[TABLE].loss.mean() == pytest.approx(yardstick.table_loss, abs=1e-5)
    assert found.skill() == pytest.approx(
        1 - float(own.columns["cross_entropy"].mean()) / yardstick.table_loss, abs=1e-5
    )
    assert metrics.ece(found.bins.mean(0)) == pytest.approx(float(metrics.ece(own.columns["bins"].sum(0))), abs=1e-6)
    assert torch.allclose(found.grey, yardstick.row(grey).columns["psnr"].double(), atol=1e-4)
    assert found.gain == pytest.approx(float(rows[0].columns["psnr"].mean() - found.grey.mean()), abs=1e-4)


@pytest.fixture
def floors(tmp_path):
    images = load(6, 2, image_size=32).train
    return fitted(labelled(Pictures(images, images), PALETTE, tmp_path / "cache", SPACES["lab"], 4), tmp_path / "cache")


def test_mixed_sizes_give_the_figures_of_one_by_one(model, floors, tmp_path):
    sizes = (32, 40), (17, 50), (64, 33), (3, 2)
    together = measured(model, save(tmp_path / "all", *sizes), floors=floors, temperatures=T)
    for number in range(len(sizes)):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"all/{number}.png").rename(tmp_path / f"{number}/x.png")
        alone = measured(model, tmp_path / f"{number}", floors=floors, temperatures=T)
        for name in (
            "psnr",
            "colourfulness",
            "saturated_psnr",
            "saturated_colourfulness",
            "grey",
            "truth",
            "loss",
            "bins",
        ):
            assert torch.equal(getattr(together, name)[number], getattr(alone, name)[0])
        for name, values in together.errors.items():
            assert torch.equal(values[number], alone.errors[name][0])
        for name, floor in together.floors.items():
            assert all(
                torch.equal(each[number], other[0]) or each[number].isnan()
                for each, other in zip(floor, alone.floors[name], strict=True)
            )


def test_sepia_gives_every_pixel_the_mean_chroma_of_the_training_pictures(model, floors, tmp_path):
    images = load(6, 2, image_size=32).train
    labels = labelled(Pictures(images, images), PALETTE, tmp_path / "cache", SPACES["lab"], 4).train.labels
    counts = labels.flatten().long().bincount(minlength=4) + 1
    assert torch.allclose(floors.sepia, (counts[:, None] * PALETTE).sum(0) / counts.sum(), atol=1e-4)
    found = measured(model, save(tmp_path / "one", (32, 32)), floors=floors, temperatures=T)
    true = torch.from_numpy(np.asarray(Image.open(tmp_path / "one/0.png")).copy())[None]
    space = SPACES["lab"]
    sepia = space.keep(space.both(true)[0], floors.sepia.view(1, 2, 1, 1).expand(1, 2, 32, 32)).colours
    levels = (sepia * 256).round().clamp(0, 255).byte()[0].permute(1, 2, 0).numpy()
    assert found.floors[SEPIA].psnr[0] == pytest.approx(peak_signal_noise_ratio(true[0].numpy(), levels), abs=0.02)
    assert found.floors[SEPIA].loss.isnan().all()


def test_floors_are_kept_and_written_whole(floors, tmp_path):
    write(tmp_path / "x.npz", floors, PALETTE)
    grey = torch.rand(1, 1, 9, 7) * 0.99
    again = read(tmp_path / "x.npz", PALETTE)
    assert read(tmp_path / "x.npz", PALETTE + 1) is None and read(tmp_path / "y.npz", PALETTE) is None
    assert torch.equal(again.sepia, floors.sepia) and torch.equal(again.place(grey), floors.place(grey))
    (entry,) = (tmp_path / "cache").glob("photograph-floors-*-place.npy")
    before = entry.stat().st_mtime_ns
    images = load(6, 2, image_size=32).train
    same = fitted(labelled(Pictures(images, images), PALETTE, tmp_path / "cache", SPACES["lab"], 4), tmp_path / "cache")
    assert entry.stat().st_mtime_ns == before and torch.equal(same.place(grey), floors.place(grey))


def test_blocks_of_true_colours_err_most_at_edges(model, tmp_path):
    found = measured(model, save(tmp_path / "photos", (64, 64), (48, 64)), temperatures=T)
    overall, edges = found.errors["blocks"].mean(0)
    assert 0 < overall < edges < found.errors["grey"].mean(0)[1]


def test_the_grey_s_psnr_is_scikit_image_s_of_pillow_s_grey_within_its_rounding(model, tmp_path):
    found = measured(model, save(tmp_path / "one", (64, 48)), temperatures=T)
    true = np.asarray(Image.open(tmp_path / "one/0.png"))
    neutral = SPACES["lab"].neutral(SPACES["lab"].lightness(torch.from_numpy(true.copy())[None]))[0, 0]
    levels = (neutral * 256).round().clamp(0, 255).byte().numpy()
    expected = peak_signal_noise_ratio(true, np.repeat(levels[..., None], 3, 2))
    assert found.grey[0] == pytest.approx(expected, abs=1e-3)


def test_a_shorter_side_is_scaled_and_the_longer_one_follows():
    image = Image.new("RGB", (60, 40))
    assert scaled(image, 20, False).size == (30, 20) and scaled(image, None, False).size == (60, 40)
    assert scaled(image, 20, True).size == (20, 20) and scaled(image, None, True).size == (40, 40)


def test_the_network_sees_the_asked_size_and_the_logits_return_to_the_blocks(model):
    shapes = []
    model.network.register_forward_hook(lambda _, inputs, output: shapes.append((inputs[0].shape[2:], output)))
    torch.manual_seed(0)
    grey = 0.99 * torch.rand(1, 1, 48, 64)
    with torch.no_grad():
        assert torch.allclose(scores(model, grey, 48), model(grey), atol=1e-5)  # scaled to its own size
        half, flat = scores(model, grey, 24), scores(model, torch.full_like(grey, 0.5), 24)
        assert torch.allclose(flat, model(torch.full_like(grey, 0.5)), atol=1e-5)  # a flat grey, at any size
    small, output = shapes[2]
    assert small == (24, 32) and half.shape == (1, 4, 12, 16)
    assert np.allclose(half[0, :, 1:-1:2, 1:-1:2], between(output[0].numpy()), atol=1e-5)


def between(logits):
    """Bilinear values at a quarter of the way from each place to its lower right neighbour: [K, h, w]."""
    one, right = logits[:, :-1, :-1], logits[:, :-1, 1:]
    below, across = logits[:, 1:, :-1], logits[:, 1:, 1:]
    return 0.5625 * one + 0.1875 * (right + below) + 0.0625 * across


def test_a_saturated_mean_is_the_mean_of_a_saturated_palette(model, tmp_path):
    folder = save(tmp_path / "photos", (64, 48), (32, 40))
    found = measured(model, folder, temperatures=T)
    for index, saturation in enumerate(SATURATIONS):
        other = measured(Model(model.network, saturation * PALETTE, "lab").eval(), folder, temperatures=T)
        assert torch.allclose(found.saturated_psnr[:, index], other.psnr[:, 0], atol=0.01)  # levels may round apart
        assert torch.allclose(found.saturated_colourfulness[:, index], other.colourfulness[:, 0], atol=0.02)


def test_the_ratio_at_the_grey_s_psnr_is_numpy_s_interpolation():
    gains, ratios = torch.tensor([0.9, 0.5, 0.1, -0.4, -1.0]), torch.tensor([0.4, 0.5, 0.6, 0.8, 0.9])
    expected = np.interp(0, gains.numpy()[::-1], ratios.numpy()[::-1])
    assert crossing(gains, ratios) == pytest.approx(expected, abs=1e-6)
    assert crossing(gains - 2, ratios) == 0 and crossing(gains + 2, ratios) == pytest.approx(0.9)


def test_unreadable_grey_and_tiny_files_are_counted_and_named(model, tmp_path):
    save(tmp_path, (32, 32), (1, 1))
    Image.new("L", (20, 20), 99).save(tmp_path / "grey.png")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    found = measured(model, tmp_path, temperatures=T)
    assert len(found.grey) == 3 and [path for path, _ in found.unreadable] == ["bad.jpg"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no photograph that can be read"):
        measured(model, tmp_path / "none")


def test_the_command_prints_the_two_figures_and_writes_them(tmp_path, capsys):
    small = "data.num_train=12", "data.num_validation=4", "image_size=16", "num_filters=2", "num_colours=4"
    config = knobs(
        "data=scenes", *small, "colour_space=lab", *words(tmp_path), "max_epochs=1", f"cache_dir={tmp_path}/c"
    )
    train(config, tmp_path / "run")
    folder = save(tmp_path / "photos", (20, 30), (33, 16))
    capsys.readouterr()
    evaluate(str(tmp_path / "run"), folder, figures=tmp_path / "x.json", features=True, seen=24)
    stored, written = capsys.readouterr().out, json.loads((tmp_path / "x.json").read_text())
    assert "EncoderUNet, 2 photographs, as they are, seen with 24 pixels" in stored and "skill" in stored
    assert written["photographs"] == 2 and len(written["temperatures"]) == 10
    assert {"sepia", "P(colour | grey)", "P(colour | grey, place)"} == written["floors"].keys()
    assert all(name in stored for name in (*written["floors"], "calibration error", "edges", "not FID"))
    assert {"grey", "mean", "annealed:0.4"} == written["frechet"].keys()
    assert f"{written['db_above_grey']:+.2f} dB above the grey" in stored


def test_one_pass_reads_each_file_once_and_runs_the_network_once(model, tmp_path, monkeypatch):
    folder, runs, reads = save(tmp_path / "photos", (24, 16), (32, 40), (20, 20)), [], []
    (tmp_path / "classes.csv").write_text("file,imagenet_class\n0.png,7\n")
    model.network.register_forward_hook(lambda *of_a_call: runs.append(1))
    read_rgb = photograph_files.read_rgb
    monkeypatch.setattr(
        photograph_files, "read_rgb", lambda path, **values: reads.append(path) or read_rgb(path, **values)
    )
    monkeypatch.setattr(photograph_table, "Classifier", Redness)
    judged = photograph_table.judge(model, folder, None, False, None, tmp_path / "classes.csv", features=True)
    assert len(runs) == len(reads) == len(set(reads)) == 3
    assert len(judged.seen.grey) == 1 and judged.distances.keys() == {"grey", "mean", "annealed:0.4"}
