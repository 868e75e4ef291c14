"""Colours many pictures, several at a time, with a bar and a summary. A bad picture does not stop the others."""

import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from colourize.data.in_threads import in_threads
from colourize.inference.photo import Outcome
from colourize.inference.planned import Job
from colourize.kernels import allocator
from colourize.present.bar import bar

KEPT = 1 << 25, 1 << 27  # bytes: the largest block, and all at the end of the heap
NAMED = 5  # pictures already in colour that are named one by one; the summary counts them all


def all_of(
    jobs: Sequence[Job], run: Callable[[Job], Outcome], threads: int, stop: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """Runs jobs in threads, in their order. Standard error names each job that was not done.

    After Ctrl-C or an ``Interrupted`` no further job starts; jobs that have started finish or leave no file. ``stop``
    is called then, and may end jobs that wait.

    Raises:
        KeyboardInterrupt, Interrupted: after the jobs that had started.
    """
    outcomes: list[Outcome] = []
    place = {job: number for number, job in enumerate(jobs)}
    in_colour = 0
    with (
        # Pillow's warnings of odd metadata; here, because the filter is global, not one of a thread
        warnings.catch_warnings(action="ignore"),
        bar(total=len(jobs), shown=len(jobs) > 1) as show,
        # the network reuses freed memory, which saves a fifth of its time on small pictures
        allocator.kept(*KEPT),
        closing(in_threads(run, jobs, threads, stop)) as results,
    ):
        for outcome in results:
            outcomes.append(outcome)
            show(advance=1, description=outcome.job.name)
            in_colour += outcome.status == "in colour"
            if outcome.status != "in colour" or in_colour <= NAMED:
                for line in lines(outcome):
                    print(line, file=sys.stderr)
    return sorted(outcomes, key=lambda outcome: place[outcome.job])


def lines(outcome: Outcome) -> list[str]:
    """The messages about an outcome: why the picture was not coloured, and which parts were left out."""
    name = outcome.job.name
    notes = [f"colourize: {name}: {note}" for note in outcome.notes]
    if outcome.status == "failed":
        text = outcome.text if outcome.text.startswith(name) else f"{name}: {outcome.text}"
        return [*notes, f"colourize: {text}"]
    if outcome.status == "in colour":
        return [*notes, f"colourize: {name} is in colour already; pass --recolour to replace its colours"]
    return notes


def summary(outcomes: Sequence[Outcome]) -> str:
    """One line: 997 coloured, 2 already there, 3 failed."""
    count = {status: sum(outcome.status == status for outcome in outcomes) for status in
             ("done", "already there", "in colour", "failed")}  # fmt: skip
    toned = sum(outcome.status == "done" and outcome.kind == "tinted" for outcome in outcomes)
    words = {
        "done": f"coloured ({toned} of them toned, made grey first)" if toned else "coloured",
        "already there": "already there (--overwrite colours them again)",
        "in colour": "in colour already (--recolour colours them)",
        "failed": "failed",
    }
    parts = [f"{count[status]} {word}" for status, word in words.items() if count[status] or status == "done"]
    outside = [outcome.outside for outcome in outcomes if outcome.status == "done"]
    if outside and max(outside) >= 0.0005:
        mean = 100 * sum(outside) / len(outside)
        parts.append(f"colours made paler to fit sRGB in {mean:.1f} % of the pixels")
    return ", ".join(parts)


def record(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The summary as plain values, for JSON."""
    return {
        "coloured": sum(outcome.status == "done" for outcome in outcomes),
        "already_there": sum(outcome.status == "already there" for outcome in outcomes),
        "in_colour": sum(outcome.status == "in colour" for outcome in outcomes),
        "failed": sum(outcome.status == "failed" for outcome in outcomes),
        "pictures": [
            {
                "source": None if outcome.job.source is None else str(outcome.job.source),
                "target": None if outcome.job.target is None else str(outcome.job.target),
                "status": outcome.status,
                "error": outcome.text or None,
                "kind": outcome.kind or None,
                "outside_gamut": round(outcome.outside, 6),
            }
            for outcome in outcomes
        ],
    }
