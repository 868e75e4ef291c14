"""The tab for people who train: the runs of a folder as they grow, read only."""

import functools
import logging
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr

from colourize.app import runs_shown
from colourize.app.settings import Settings
from colourize.errors import InputError
from colourize.report import records
from colourize.runs import listing
from colourize.runs.listing import Run

SECONDS = 3.0  # between two looks at the folder
FILES = "run.json", "metrics.csv", "evaluation.json", "tensorboard"
SCRIPT = """
const choose = run => { sessionStorage.setItem("run", run); trigger("choose", { run }); };
element.addEventListener("click", event => {
  const button = event.target.closest("button[data-run]");
  if (button) choose(button.dataset.run);
});
const kept = sessionStorage.getItem("run");
if (kept) choose(kept);
"""
"""Sends the chosen run, and after a reload of the page the one that was chosen before."""
log = logging.getLogger(__name__)


def add(settings: Settings) -> None:
    """Adds the tab's content to the ``gr.Tab`` around this call."""
    watched = Watched(settings.runs)
    state = gr.State(("", "", ""))  # the chosen run, and the shown texts: the list and the run
    timer = gr.Timer(SECONDS)
    with gr.Row(elem_classes="runs-desk"):
        with gr.Column(scale=2, min_width=320):
            runs = gr.HTML("", js_on_load=SCRIPT, apply_default_css=False, elem_id="runs-list")
        with gr.Column(scale=3, min_width=320):
            one = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="runs-one")
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    timer.tick(watched.tick, [state], [state, runs, one], trigger_mode="once", **quiet)
    runs.choose(watched.choose, [state], [state, runs, one], trigger_mode="always_last", **quiet)


class Watched:
    """The runs of a folder. A page gets only parts that it does not yet show, so it does not flicker."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lock = threading.Lock()
        self._runs: list[Run] = []
        self._looked = 0.0

    def tick(self, state: tuple[str, str, str]) -> list[Any]:
        """The parts that have changed since the page was sent ``state``."""
        return self._news(state[0], state)

    def choose(self, state: tuple[str, str, str], event: gr.EventData) -> list[Any]:
        """The page with another run."""
        return self._news(str(getattr(event, "run", "")), state)

    def _news(self, chosen: str, before: tuple[str, str, str]) -> list[Any]:
        runs = self.runs()
        names = {runs_shown.name_of(run, self.home): run for run in runs}
        if chosen not in names:
            chosen = next(reversed(names), "")
        listed = runs_shown.listed(runs, self.home, chosen)
        one = self.one(names[chosen], chosen) if chosen else ""
        after = chosen, listed, one
        pairs = zip(after, before, strict=True)
        changed = [new if new != old else gr.skip() for new, old in pairs]
        return [after if after != before else gr.skip(), *changed[1:]]

    def runs(self) -> list[Run]:
        """The runs in the order of their start; pages that ask within ``SECONDS`` share one look."""
        with self._lock:
            if time.monotonic() - self._looked > 0.9 * SECONDS:
                try:
                    self._runs = listing.found([self.home], ask=False)
                except (InputError, OSError) as error:  # no such folder yet, or one that was just removed
                    log.debug("%s", error)
                    self._runs = []
                self._looked = time.monotonic()
            return self._runs

    def one(self, run: Run, name: str) -> str:
        """The curves, pictures, floors and ceilings of a run."""
        folder = Path(run.folder)
        return _drawn(folder, runs_shown.row(run, self.home), _stamp(folder))


def _stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Times and sizes of the files that the tab shows."""
    paths = [folder / name for name in FILES] + sorted((folder / "tensorboard").glob("*tfevents*"))
    return tuple((stat.st_mtime_ns, stat.st_size) for path in paths if path.exists() and (stat := path.stat()))


@functools.lru_cache(maxsize=16)
def _drawn(folder: Path, row: runs_shown.Row, stamp: tuple[tuple[int, int], ...]) -> str:
    try:
        found = [record for record in records.read([folder]) if record.folder == folder]
    except InputError:  # removed between the two looks
        found = []
    return runs_shown.one(found[0], row) if found else ""
