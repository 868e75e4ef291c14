"""What a detector's run leaves: pictures with boxes, curves, figures."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.data.boxes.boxed import Boxed, Found
from colourize.tasks.detection import results


@pytest.fixture
def truth():
    picture = np.full((40, 60, 3), 90, np.uint8)
    boxes, labels = [torch.tensor([[5.0, 5, 25, 25]]), torch.tensor([[30.0, 10, 50, 30]])], [[0], [1]]
    return Boxed([picture] * 2, boxes, [torch.tensor(label) for label in labels], ("pine", "sail"),
                 torch.tensor([[40, 60]] * 2))  # fmt: skip


def test_the_files_contain_what_was_found(truth, tmp_path):
    found = [Found(truth.boxes[0], torch.tensor([0.9]), torch.tensor([0])),
             Found(truth.boxes[1], torch.tensor([0.8]), torch.tensor([0]))]  # fmt: skip
    rows = results.write(tmp_path, "a title", truth, found)
    assert rows[2:] == [["pine", "1.000", "1.000"], ["sail", "0.000", "0.000"]] and rows[1][1].startswith("0.500 [")
    content = json.loads((tmp_path / "detection.json").read_text())
    assert content["AP"]["estimate"] == 0.5 and content["classes"]["pine"]["best score"] == pytest.approx(0.9)
    assert content["confusion"]["table"] == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    for name, size in (("boxes.png", (512, 256)), ("precision.png", (720, 504))):
        with Image.open(tmp_path / name) as image:
            assert image.size == size


def test_the_tables_and_the_names_of_the_files_are_printed(tmp_path, capsys):
    confusion = [["true / found", "pine"], ["pine", "1"]]
    results.show(tmp_path, [["", "AP"], ["all", "0.5"]], confusion, [("dashboard", "tensorboard --logdir here")])
    printed = capsys.readouterr().out
    assert "true / found" in printed and str(tmp_path / "boxes.png") in printed
    assert "dashboard      tensorboard --logdir here" in printed
