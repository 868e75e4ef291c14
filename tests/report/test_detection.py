"""Detectors in a report, over run folders written by the test."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from colourize.report import detection
from tests.made_runs import run
from tests.reports import cells, written

CURVE = [1.0] * 51 + [0.0] * 50


def found(ap):
    """``detection.json`` of two classes."""
    classes = {
        name: {"AP": value, "AP50": 1.0, "best score": 0.5, "precision": CURVE}
        for name, value in (("apple", ap), ("plum", ap / 2))
    }
    table = {"classes": ["apple", "plum"], "least score": 0.3, "table": [[7, 1, 2], [0, 5, 3], [4, 6, 0]]}
    return {"AP": {"estimate": 0.75 * ap, "low": 0, "high": 1}, "classes": classes, "confusion": table}


def detector(folder, ap, loss, **knobs):
    """A finished run of a detector with the mean AP ``ap``."""
    run(folder, losses=(3.0, loss), evaluation=False, task="detection", model="yolox.YOLOX", **knobs)
    stored = json.loads((folder / "run.json").read_text())
    stored["metrics"] |= {"val/AP": ap, "val/AP50": ap + 0.2, "best/val/AP": ap}
    (folder / "run.json").write_text(json.dumps(stored))
    (folder / "detection.json").write_text(json.dumps(found(ap)))
    Image.fromarray(np.full((4, 6, 3), 90, np.uint8)).save(folder / "boxes.png")
    return folder


@pytest.fixture
def swept(tmp_path):
    for job, (lr, seed, ap) in enumerate([(0.1, 0, 0.4), (0.1, 1, 0.6), (0.2, 0, 0.3), (0.2, 1, 0.4)]):
        detector(tmp_path / str(job), ap, loss=ap, lr=lr, seed=seed)  # the better AP has the higher loss
    return tmp_path


@pytest.mark.usefixtures("no_charts")
def test_average_precision_ranks_detectors(swept):
    _, text, table = written(swept)
    assert "The highest AP: lr=0.1, 0.500 ± 0.141. The next, lr=0.2, is 0.150 lower" in text
    assert "nats" not in text and "look-up table" not in text
    assert cells(text, "lr=0.1")[:3] == ["2", "0.500 ± 0.141", "0.700 ± 0.141"]
    assert "| setting | minus | pairs | AP | 95 % interval | AP50 | 95 % interval |" in text
    assert [row["val/AP"] for row in csv.DictReader(table.splitlines())] == ["0.4", "0.6", "0.3", "0.4"]


def test_the_page_has_classes_curves_confused_classes_and_pictures(swept):
    page, text, _ = written(swept)
    rows = [line for line in text.splitlines() if line.startswith("| lr=0.1 |")]
    assert "| lr=0.1 | 0.500 ± 0.141 | 0.250 ± 0.071 |" in rows
    assert "Precision against recall: lr=0.1" in text and (swept / "report_files/precision-1.svg").is_file()
    assert cells(text, "apple")[:3] == ["7", "1", "2"] and cells(text, "nothing there") == ["4", "6", ""]
    assert "detection.json" not in text.partition("What is missing")[2].partition("##")[0]
    assert page.count("<img") == 2 and "green boxes were found" in page


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("classes"),
        lambda content: content["classes"].pop("plum"),
        lambda content: content["classes"].update(plum=3),
        lambda content: content["classes"]["plum"].update(precision=[1.0]),
        lambda content: content["classes"]["plum"].update(precision=["x"] * 101),
        lambda content: content["confusion"].update(table=[[1]]),
        lambda content: content["confusion"].update({"least score": None}),
        lambda content: content["confusion"].update(classes=[]),
        lambda content: content["confusion"].update(classes=7),
        lambda content: content.update(confusion=[]),
    ],
)
def test_measures_in_another_form_are_left_out(tmp_path, damage, caplog):
    folder = detector(tmp_path / "0", 0.4, 1.0)
    content = found(0.4)
    damage(content)
    (folder / "detection.json").write_text(json.dumps(content))
    assert detection.read(folder) is None and "detection.json cannot be read" in caplog.text
    (folder / "detection.json").write_text("[")
    (folder / "boxes.png").write_text("no picture")
    text = written(folder)[1]
    assert "Objects found" not in text and cells(text, "YOLOX")[1] == "0.400"


def test_a_run_without_the_file_lacks_it(tmp_path):
    folder = detector(tmp_path / "0", 0.4, 1.0)
    (folder / "detection.json").unlink()
    assert "lacks detection.json" in written(folder)[1]


def test_a_class_without_objects_and_a_file_of_an_older_colourize_are_read(tmp_path):
    folder = detector(tmp_path / "0", 0.4, 1.0)
    content = found(0.4)
    content["classes"]["plum"] = {"AP": None, "AP50": None, "best score": None, "precision": []}
    del content["classes"]["apple"]["precision"]
    (folder / "detection.json").write_text(json.dumps(content))
    read = detection.read(folder)
    assert read.ap == {"apple": 0.4} and read.precision == {} and read.classes == ["apple", "plum"]
    assert "Precision against recall" not in written(folder)[1]
