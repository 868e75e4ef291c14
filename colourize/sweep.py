"""What a sweep says at its end: every job with its state, and a non-zero exit where one failed."""

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from colourize import manifest


class Summary(Callback):
    """Prints the table of jobs after the last one; ends the process with status 1 where a job did not finish."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        from rich.console import Console
        from rich.table import Table

        jobs = {folder.name: manifest.read(folder) for folder in run_folders(Path(config.hydra.sweep.dir))}
        table = Table(title=f"{config.hydra.sweep.dir}: {len(jobs)} jobs", title_justify="left")
        for column in ("job", "overrides", "state", "val/loss", "val/accuracy"):
            table.add_column(column, justify="right" if "/" in column else "left")
        for name, job in jobs.items():
            metrics = job.get("metrics", {})
            figures = [f"{metrics[key]:.4f}" if key in metrics else "" for key in ("val/loss", "val/accuracy")]
            table.add_row(name, " ".join(job["overrides"]), job["status"], *figures)
        console = Console(soft_wrap=True, highlight=False)
        console.print(table)
        console.print(f"dashboard  tensorboard --logdir {config.hydra.sweep.dir}")
        unfinished = {name: job for name, job in jobs.items() if job["status"] != "finished"}
        for name, job in unfinished.items():
            console.print(f"job {name} ({' '.join(job['overrides'])}) {job['status']}: {job.get('error', '')}")
        if unfinished:
            raise SystemExit(1)


def run_folders(sweep: Path) -> list[Path]:
    """A sweep's run folders that hold a manifest, in the order of their numbers."""
    folders = [path.parent for path in sweep.glob(f"*/{manifest.NAME}")]
    return sorted(folders, key=lambda folder: (not folder.name.split("_")[0].isdigit(), _number(folder), folder.name))


def _number(folder: Path) -> int:
    head = folder.name.split("_")[0]
    return int(head) if head.isdigit() else 0
