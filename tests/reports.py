"""Reports over run folders written by the test."""

from colourize.report.written import report
from tests.made_runs import run

LOSSES = {(32, 0): 1.10, (32, 1): 1.15, (32, 2): 1.05, (64, 0): 1.30, (64, 1): 1.32, (64, 2): 1.25}


def made(folder, order=None):
    """Batch sizes 32 and 64, three seeds each."""
    for job, (size, seed) in enumerate(order or LOSSES):
        run(folder / str(job), losses=(2.0, LOSSES[size, seed]), batch_size=size, seed=seed)
    return folder


def cells(text, name):
    """The cells of a line of a Markdown table."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def written(folder, *more):
    report([folder, *more], folder / "report.html", folder / "report.md", folder / "report.csv")
    return [(folder / f"report.{kind}").read_text() for kind in ("html", "md", "csv")]
