"""What TensorBoard shows of a run, and the figures in its folder."""

import json
import re

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG, parse_session_start_info_plugin_data

from colourize.results import COMPARED, GROUPS
from colourize.train import train
from tests.trained import rows


def test_figures_can_be_looked_at(finished_run):
    for name in ("pictures.png", "curves.png"):
        with Image.open(finished_run / name) as image:
            assert image.width > 600
            assert len(image.convert("RGB").getcolors(1 << 24)) > 20


def test_tensorboard_holds_curves_pictures_and_one_row_of_hyperparameters(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    for tag in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "images_per_second"):
        assert [scalar.step for scalar in events.Scalars(tag)] == [3, 6], tag
    table = rows(finished_run)
    assert [scalar.value for scalar in events.Scalars("val/loss")] == pytest.approx(
        [float(row["val/loss"]) for row in table]
    )
    assert len(events.Images("grey, true, predicted")) == 2
    assert len(events.Scalars("hp/val/loss")) == 1


def test_the_row_of_hyperparameters_holds_the_values_that_took_effect_and_the_measures_to_compare(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    contents = events.PluginTagToContent("hparams")
    row = parse_session_start_info_plugin_data(contents[SESSION_START_INFO_TAG]).hparams
    assert (row["batch_size"].number_value, row["model.num_filters"].number_value) == (8, 4)
    assert row["model._target_"].string_value == "colourize.models.convtranspose.ConvTransposeNet"
    said = json.loads((finished_run / "run.json").read_text())
    assert {*said["config"]} - {*GROUPS} - {*row} == {
        name for name, value in said["config"].items() if value is None
    }  # a knob without a value has no cell
    for name in COMPARED:
        (point,) = events.Scalars(f"hp/{name}")
        assert point.value == pytest.approx(said["metrics"][name])


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
    from colourize import callbacks

    seen, original = [], callbacks.examples

    def spy(module, grey, labels):
        assert not module.training
        seen.append(original(module, grey, labels))
        return seen[-1]

    monkeypatch.setattr(callbacks, "examples", spy)
    train(quick("lr=0.1"), tmp_path)
    assert len(seen) == 2
    for name in ("grey", "true class"):
        assert len(seen[0][name]) == 10
        assert torch.equal(seen[0][name], seen[1][name])
    assert not torch.equal(seen[0]["predicted"], seen[1]["predicted"])
