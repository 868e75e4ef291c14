"""The examples in the docstrings of the Python API run and give the stated results."""

import doctest

import pytest

import colourize
from colourize import model
from colourize.cli import api
from colourize.inference import predictor
from colourize.inference.export import exported

OBJECTS = {
    "colourize.load": (colourize.load, colourize),
    "colourize.compose": (api.compose, api),
    "Model.colourize": (model.Model.colourize, model),
    "Predictor": (predictor.Predictor, predictor),
    "export.form": (exported.form, exported),
    "export.export": (exported.export, exported),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_the_example_of(name, capsys):
    thing, module = OBJECTS[name]
    examples = doctest.DocTestFinder(recurse=False).find(thing, name, module, dict(vars(module)))
    runner = doctest.DocTestRunner()
    for each in examples:
        runner.run(each)
    assert runner.tries > 0 and runner.failures == 0, capsys.readouterr().out
