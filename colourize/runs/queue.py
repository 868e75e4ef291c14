"""Slurm's queue: the job that this process belongs to, and the states of the runs' jobs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping

JOB = re.compile(r"\d{1,12}(_\d{1,9})?")
"""A job's number, or that of an array with the number in it: 12_0."""
ANSWERS = 5.0  # seconds in which squeue must answer
RUNS = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT")
"""Slurm's states of a job with processes; any other in the queue waits."""


def own_job(environ: Mapping[str, str] = os.environ) -> str:
    """The number of the Slurm job in which this process runs; empty outside of Slurm."""
    array, task = (environ.get(f"SLURM_ARRAY_{name}", "") for name in ("JOB_ID", "TASK_ID"))
    found = f"{array}_{task}" if array and task else environ.get("SLURM_JOB_ID", "")
    return found if JOB.fullmatch(found) else ""


def is_restart(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether Slurm has started this job before: it was requeued."""
    return environ.get("SLURM_RESTART_COUNT", "0") not in ("", "0")


def states(jobs: Collection[str]) -> dict[str, str] | None:
    """The states of this user's jobs, such as ``{"12_0": "PENDING (Priority)"}``. Asks ``squeue`` once.

    Args:
        jobs: numbers of jobs.

    Returns:
        An entry for each of the jobs in the queue; None if nothing can be asked or nobody answers.
    """
    if not jobs or shutil.which("squeue") is None:
        return None
    command = ["squeue", f"--user={os.getuid()}", "--array", "--noheader", "--format=%i|%T|%r"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ANSWERS, check=True)
    except (OSError, subprocess.SubprocessError):
        print("colourize: squeue has not answered: states without the queue", file=sys.stderr)
        return None
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return {row[0]: f"{row[1]} ({row[2]})" for row in rows if len(row) == 3 and row[0] in jobs}


def state(stored: str, job: str, answers: Mapping[str, str] | None) -> str:
    """The state of a run that is not over, in view of the queue: ``stored``, queued, running or killed.

    Args:
        stored: its state by its own folder.
        job: its Slurm job.
        answers: the result of ``states``.
    """
    if answers is None:
        return stored
    if entry := answers.get(job):
        return "running" if entry.partition(" ")[0] in RUNS else "queued"
    return "killed" if stored == "queued" else stored
