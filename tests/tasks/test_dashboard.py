"""A run in TensorBoard, and the figures in its folder."""

import json
import re
from itertools import accumulate

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG, parse_session_start_info_plugin_data

from colourize.config.knobs import NODES, on_resume
from colourize.runs.apart import hyperparameters
from colourize.tasks.chosen import train
from tests.trained import rows

CURVES = (
    "train/loss", "train/accuracy", "train/lr", "train/images_per_second",
    "val/loss", "val/accuracy", "val/skill", "val/lowest_loss",
)  # fmt: skip


def test_figures_can_be_opened(finished_run):
    for name in ("pictures.png", "curves.png"):
        with Image.open(finished_run / name) as image:
            assert image.width > 600
            assert len(image.convert("RGB").getcolors(1 << 24)) > 20


def test_tensorboard_contains_curves_pictures_and_one_row_of_hyperparameters(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    for tag in CURVES:
        assert [scalar.step for scalar in events.Scalars(tag)] == [3, 6], tag
    table = rows(finished_run)
    assert [scalar.value for scalar in events.Scalars("val/loss")] == pytest.approx(
        [float(row["val/loss"]) for row in table]
    )
    assert [scalar.value for scalar in events.Scalars("val/lowest_loss")] == pytest.approx(
        list(accumulate((float(row["val/loss"]) for row in table), min))
    )
    assert len(events.Images("val/grey, true, predicted")) == 2


def test_tensorboard_opens_the_groups_of_curves_and_no_curve_is_a_single_dot(finished_run):
    """It opens the first two groups by name; a group is the part of a tag before the slash."""
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    tags = events.Tags()
    assert sorted(tags["scalars"]) == sorted(CURVES)
    assert {tag.partition("/")[0] for tag in tags["scalars"] + tags["images"]} == {"train", "val"}
    assert all(len(events.Scalars(tag)) == 2 for tag in tags["scalars"])


def test_floors_network_and_ceilings_are_one_text(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    (entry,) = events.Tensors("evaluation/text_summary")
    head, _, *lines = entry.tensor_proto.string_val[0].decode().splitlines()
    stored = json.loads((finished_run / "evaluation.json").read_text())
    measures = ["cross-entropy, nats", "skill", "top-1, %", "PSNR, dB", "colourfulness"]
    assert [cell.strip() for cell in head.strip("|").split("|")] == ["", *measures]
    cells = {line.strip("| ").split(" | ")[0]: line.strip("| ").split(" | ")[1:] for line in lines}
    assert [*cells] == [*stored]
    assert cells["ConvTransposeNet"][0] == f"{stored['ConvTransposeNet']['cross_entropy'][0]:.3f}"


def test_the_row_of_hyperparameters_contains_each_effective_value_once(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    contents = events.PluginTagToContent("hparams")
    row = parse_session_start_info_plugin_data(contents[SESSION_START_INFO_TAG]).hparams
    assert (row["batch_size"].number_value, row["num_filters"].number_value) == (8, 4)
    assert (row["model"].string_value, row["data"].string_value) == ("ConvTransposeNet", "scenes")
    assert (row["optimizer"].string_value, row["loss"].string_value) == ("adam", "cross_entropy")
    assert not {"model.kernel", "optimizer.lr", "data.image_size", "accelerator", "cache_dir"} & {*row}
    stored = json.loads((finished_run / "run.json").read_text())["config"]
    untold = {*on_resume("no difference"), "accelerator", "trainer", "num_nodes"}
    assert {*stored} - {*row} - untold == {
        name for name, value in stored.items() if value is None and name not in (*NODES, *on_resume("no difference"))
    }  # a knob without a value has no cell


def test_an_option_s_own_value_that_differs_from_the_knob_of_its_name_is_reported(quick):
    stored = hyperparameters(quick("model.kernel=5", "+trainer.gradient_clip_val=1.0", "data.seed=3"))
    assert (stored["kernel"], stored["model.kernel"]) == (3, 5)
    assert (stored["seed"], stored["data.seed"], stored["trainer.gradient_clip_val"]) == (0, 3, 1.0)
    assert stored["optimizer.betas"] == "[0.9, 0.999]"


def test_tensorboard_shows_varying_values_of_several_runs_first(tmp_path, quick):
    """Read by TensorBoard's own code: differing values come first, and the last points are the metrics."""
    for number, words in enumerate((["kernel=3"], ["kernel=5"])):
        train(quick("max_epochs=1", *words), tmp_path / str(number))
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    provider = MultiplexerDataProvider(multiplexer, str(tmp_path))
    context = Context(TBContext(data_provider=provider))
    asked = RequestContext()
    found = context.experiment_from_metadata(
        asked, "", True, context.hparams_metadata(asked, ""), context.hparams_from_data_provider(asked, "", 0)
    )
    names = [info.name for info in found.hparam_infos]
    assert names[0] == "kernel" and [info.differs for info in found.hparam_infos] == [True] + [False] * (len(names) - 1)
    assert {info.name.tag for info in found.metric_infos} == {*CURVES}


def test_custom_scalars_have_training_and_validation_in_one_chart(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    (content,) = events.Tensors("custom_scalars__config__")[-1].tensor_proto.string_val
    (category,) = Layout.FromString(content).category
    tags = events.Tags()["scalars"]
    shown = {
        chart.title: [tag for pattern in chart.multiline.tag for tag in tags if re.match(pattern, tag)]
        for chart in category.chart
    }
    assert shown == {"loss": ["train/loss", "val/loss"], "accuracy": ["train/accuracy", "val/accuracy"]}


def test_the_same_ten_pictures_are_shown_each_epoch_in_evaluation_mode(quick, tmp_path, monkeypatch):
    from colourize.tasks.colourization import examples

    seen, original = [], examples.examples

    def spy(module, grey, labels):
        assert not module.training
        seen.append(original(module, grey, labels))
        return seen[-1]

    monkeypatch.setattr(examples, "examples", spy)
    train(quick("lr=0.1"), tmp_path)
    assert len(seen) == 2
    for name in ("grey", "true class"):
        assert len(seen[0][name]) == 10
        assert torch.equal(seen[0][name], seen[1][name])
    assert not torch.equal(seen[0]["predicted"], seen[1]["predicted"])
