"""The folder of a requeued Slurm job: the same command continues in the folder of its earlier start."""

import re
import sys
from collections.abc import Iterator, Sequence

from colourize.config.compare import key_of, telling
from colourize.config.quoting import quoted
from colourize.runs import listing, manifest, queue, resume

FOLDERS = "hydra.run.dir", "hydra.sweep.dir", "resume"


def named(words: Sequence[str]) -> list[str]:
    """Adds the folder in which an earlier start of the same Slurm job has run the same command, and prints it.

    Nothing is added outside of a requeued job, or if the command itself names a folder.
    """
    job = queue.own_job()
    if not (job and queue.is_restart()) or {key_of(word) for word in words} & set(FOLDERS):
        return list(words)
    found = sorted(_earlier(job, words))
    if not found:
        return list(words)
    _, key, folder = found[-1]
    print(f"colourize: Slurm has requeued job {job}; it continues in {folder}", file=sys.stderr)
    return [*words, f"{key}={quoted(folder)}"]


def _earlier(job: str, words: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Start, override and folder of the runs and sweeps of a job with the same overrides."""
    same = _compared(words)
    for file in (file for home in listing.HOMES for file in home.rglob(manifest.NAME)):
        stored, folder = manifest.read(file.parent), file.parent
        if stored.get("job") != job:
            continue
        if "overrides" in (sweep := resume.sweep_of(folder.parent)):
            if _compared(sweep["overrides"]) == same:
                yield stored.get("start", ""), "hydra.sweep.dir", str(folder.parent)
        elif _compared(stored.get("overrides", [])) == same:
            yield stored.get("start", ""), "hydra.run.dir", str(folder)


def _compared(words: Sequence[str]) -> frozenset[str]:
    """The overrides of knobs: a run does not store those of Hydra, and stores ``freeze=a,b`` with brackets."""
    kept = [word for word in words if not word.startswith(("-", "hydra.", "hydra/", "+hydra."))]
    return telling([re.sub(r"^freeze=\[(.*)\]$", r"freeze=\1", word) for word in kept])
