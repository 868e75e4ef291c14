"""A rank other than rank 0: it trains the jobs that rank 0 gives it, and writes nothing."""

import json
import logging
import os
import signal
import sys
import time
import traceback
import warnings
from itertools import count
from pathlib import Path
from typing import Any

from colourize import imports
from colourize.cli import signals
from colourize.errors import SIGNALS, InputError, Interrupted


def main(host: str, port: int, rank: int, size: int, parent: int) -> int:
    """The process that rank 0 has started for one run on this machine; returns the exit status."""
    signals.catch()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # rank 0 starts it with blocked signals
    from colourize.training.distributed import member
    from colourize.training.distributed.place import Place

    place = Place(rank, size, rank, size, host, port)
    try:
        store = member.connected(place, server=False)
        job = json.loads(store.get("job/0"))
    except (InputError, RuntimeError):  # rank 0 has ended meanwhile
        return 1
    return _trained(place, store, 0, job, parent)


def follow(place: Any) -> int:
    """Follows rank 0 through all jobs of its command; returns the exit status."""
    from colourize.training.distributed import member

    store = member.connected(place, server=False)
    store.set(f"command/{place.rank}", json.dumps(sys.argv[1:]))
    status = 0
    try:
        for number in count():
            while not store.check([f"job/{number}"]):
                time.sleep(0.1)
            job = json.loads(store.get(f"job/{number}"))
            if "end" in job:
                store.set(f"bye/{place.rank}", "1")
                return status or job["end"]
            status = _trained(place, store, number, job, 0) or status
    except RuntimeError:  # rank 0 is gone
        return status or 1
    raise AssertionError


def _trained(place: Any, store: Any, number: int, job: dict[str, Any], parent: int) -> int:
    """Trains one job; returns the exit status. Rank 0 reports errors; only the traceback of a bug is printed here."""
    from colourize.config import options
    from colourize.runs.run_folder import Guest
    from colourize.training.distributed import member, team, watch

    logging.disable(logging.WARNING)  # rank 0 says the same
    warnings.simplefilter("ignore")
    knobs = job["knobs"]
    if options.names_own_code(knobs):
        options.make_importable()
    with imports.quick("pytorch_lightning"):
        from colourize.tasks import chosen
        from colourize.training.fit import fit

        task = chosen.task(knobs)
    try:
        with member.joined(place, team.of_job(store, number), knobs, (), parent, watch.say):
            fit(task, knobs, Path(job["folder"]), Guest(), (), place)
    except Interrupted as error:
        return int(error.code or 0)
    except watch.RankError as error:
        if error.cause["rank"] == 0 and "kind" not in error.cause:
            watch.say(str(error))
        return 1
    except (InputError, OSError):
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    host, *numbers = sys.argv[1:]
    status = main(host, *map(int, numbers))
    sys.stderr.flush()
    os._exit(status)
