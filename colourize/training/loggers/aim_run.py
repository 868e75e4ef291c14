"""A run in Aim: a repository of runs, by default ``aim/`` in the run folder."""

from pathlib import Path
from typing import Any

import numpy as np

from colourize.training.loggers.base import Identity

KEY = "colourize_key"


class AimRun:
    """The run with a key: found again if an earlier process made it.

    Args:
        folder: folder of the run.
        values: ``repo`` and ``experiment`` of the option.
        run: how Aim knows it.
    """

    def __init__(self, folder: Path, values: dict[str, Any], run: Identity) -> None:
        import aim

        self.aim = aim
        repo = values.get("repo") or str((folder / "aim").absolute())
        if "://" not in repo:
            Path(repo).mkdir(parents=True, exist_ok=True)
            if not aim.Repo.exists(repo):
                aim.Repo.from_path(repo, init=True)
        found = [each.run.hash for each in aim.Repo.from_path(repo).query_runs(f'run.{KEY} == "{run.key}"').iter_runs()]
        self.run: Any = aim.Run(
            run_hash=found[0] if found else None,
            repo=repo,
            experiment=None if found else values.get("experiment") or "colourize",
            system_tracking_interval=None,
            capture_terminal_logs=False,
        )
        if not found:
            self.run[KEY] = run.key
            self.run.name = run.name
            for tag in run.tags:
                self.run.add_tag(tag)

    def metrics(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.run.track(value, name=name, step=step)

    def knobs(self, values: dict[str, Any]) -> None:
        self.run["hparams"] = values

    def picture(self, name: str, image: np.ndarray, step: int) -> None:
        self.run.track(self.aim.Image(image), name=name, step=step)

    def text(self, name: str, text: str, step: int) -> None:
        self.run.track(self.aim.Text(text), name=name, step=step)

    def close(self, status: str) -> None:
        self.run.close()
