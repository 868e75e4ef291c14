"""What a sweep says at its end: every job with its state, and a non-zero exit where one failed."""

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from colourize import manifest


class Summary(Callback):
    """Prints the table of jobs after the last one; ends the process with status 1 where a job did not finish."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        self.start = manifest.now()

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        jobs = started_jobs(Path(config.hydra.sweep.dir), self.start)
        common = set.intersection(*(set(job["overrides"]) for job in jobs.values())) if len(jobs) > 1 else set()
        swept = {name: " ".join(word for word in job["overrides"] if word not in common) for name, job in jobs.items()}
        table = Table(title=Text(f"{config.hydra.sweep.dir}: {len(jobs)} jobs"), title_justify="left")
        for column in ("job", "overrides", "state", "val/loss", "val/accuracy"):
            table.add_column(column, justify="right" if "/" in column else "left")
        for name, job in jobs.items():
            metrics = job.get("metrics", {})
            figures = [
                f"{metrics[key]:.4f}" if metrics.get(key) is not None else "" for key in ("val/loss", "val/accuracy")
            ]
            table.add_row(*map(Text, (name, swept[name], job["status"], *figures)))
        console = Console(soft_wrap=True, highlight=False, markup=False)
        console.print(table)
        console.print(f"dashboard  tensorboard --logdir {config.hydra.sweep.dir}")
        unfinished = {name: job for name, job in jobs.items() if job["status"] != "finished"}
        for name, job in unfinished.items():
            console.print(f"job {name} ({swept[name]}) {job['status']}: {job.get('error', '')}")
        if unfinished:
            raise SystemExit(1)


def started_jobs(sweep: Path, since: str) -> dict[str, dict[str, Any]]:
    """Manifests of the jobs below a sweep's folder that started since a time, by folder, in the order of starting."""
    manifests = {str(path.parent.relative_to(sweep)): manifest.read(path.parent) for path in sweep.rglob(manifest.NAME)}
    jobs = {name: job for name, job in manifests.items() if job["start"] >= since}
    return dict(sorted(jobs.items(), key=lambda entry: entry[1]["start"]))
