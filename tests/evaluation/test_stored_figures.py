"""Figures stored by an evaluation as JSON."""

import json

import pytest

from colourize.errors import InputError
from colourize.evaluation.stored_figures import table


def test_there_is_a_row_for_each_predictor_and_a_column_for_each_existing_measure(tmp_path):
    figures = {"grey": {"psnr": [24.5, 24.0, 25.0]}, "UNet": {"psnr": [25.123, None, None], "top1": [0.5, 0.4, 0.6]}}
    (tmp_path / "a.json").write_text(json.dumps(figures))
    assert table(tmp_path / "a.json") == [
        ["", "top-1, %", "PSNR, dB"],
        ["grey", "-", "24.50 (24.00 to 25.00)"],
        ["UNet", "50.0 (40.0 to 60.0)", "25.12"],
    ]


def test_the_figures_of_a_run_are_its_table(finished_run):
    rows = table(finished_run / "evaluation.json")
    assert {row[0] for row in rows[1:]} == set(json.loads((finished_run / "evaluation.json").read_text()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("{", "is damaged"),
        ("[]", "contains no figures"),
        ('{"a": {"psnr": "high"}}', "contains no figures"),
        ('{"a": {"other": [1, 2, 3]}}', "contains no figures"),
        ('{"a": [1, 2]}', "contains no figures"),
    ],
)
def test_another_file_is_refused(text, message, tmp_path):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=message):
        table(tmp_path / "a.json")
