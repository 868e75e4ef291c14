"""Colourization as a task: from grey pictures to a class of the palette for each pixel."""

from colourize.tasks.colourization import building, results
from colourize.tasks.colourization.data import ColourData, load, resumed
from colourize.tasks.colourization.examples import ExamplePictures
from colourize.tasks.colourization.module import Colourizer
from colourize.training.metrics import Metrics
from colourize.training.task import Task

METRICS = Metrics(
    columns=("train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/skill"),
    line=("train/loss", "train/accuracy", "val/loss", "val/accuracy"),
    speed="images_per_second",
)
TASK: Task[ColourData, Colourizer] = Task(
    data=load,
    resumed_data=resumed,
    fingerprint=lambda data: data.fingerprint,
    module=building.module,
    check=building.check,
    begin=building.begin,
    compilable=building.compilable,
    callbacks=lambda knobs: [ExamplePictures()],
    metrics=METRICS,
    constants=("model.palette",),
    name="colourization",
    other_data=(
        "other pictures or another palette than the present ones; pass data.root=DIR with those, or start a new run"
    ),
    report=results.report,
)
