"""Jobs on the machines of a Ray cluster: the launcher ``hydra/launcher=ray``. Ray is imported late.

A job is one task of Ray with its share of a machine. If its process or its machine is lost, Ray runs it again where
there is room. It then resumes from its last checkpoint, because all machines see the same folders.
"""

import contextlib
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from colourize.errors import SIGNALS, InputError, Interrupted, shown, to_install

log = logging.getLogger(__name__)
SAVED = 60.0  # seconds in which interrupted jobs can save
ANSWER = 10.0  # seconds in which a cluster must answer
LEAST = {"num_cpus": 0, "num_gpus": 0, "retries": -1}


class Jobs(Launcher):
    """Hydra's launcher on Ray. Arguments: ``conf/hydra/launcher/ray.yaml``."""

    def __init__(self, address: str | None, num_cpus: float, num_gpus: float, retries: int, n_jobs: int) -> None:
        self.address, self.shares, self.retries = address, {"num_cpus": num_cpus, "num_gpus": num_gpus}, retries

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs the jobs; returns their results in order, nan for a lost one.

        Raises:
            InputError: Ray is missing, cannot be reached, or has no machine with the shares that a job needs; a share
                is out of its range.
        """
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        for name, value in {**self.shares, "retries": self.retries}.items():
            if value < LEAST[name]:
                raise InputError(f"hydra.launcher.{name} must be >= {LEAST[name]}, got {value}")
        ray = _connected(self.address)
        _check_room(ray, self.shares)
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        task = ray.remote(**self.shares, max_retries=self.retries)(_job)
        given = os.getcwd(), self.hydra_context, self.config, self.task_function, Singleton.get_state()
        futures = []
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            log.info("job %d for Ray: %s", number, " ".join(filter_overrides(overrides)))
            futures.append(task.remote(number, list(overrides), *given))
        with _noted() as came:
            try:
                return [_result(ray, number, future) for number, future in enumerate(futures, initial_job_idx)]
            except BaseException:
                try:  # the jobs save and end
                    for future in futures:
                        ray.cancel(future)
                    ray.wait(futures, num_returns=len(futures), timeout=SAVED)
                finally:
                    if came:
                        raise Interrupted(came[0]) from None
                raise


@contextlib.contextmanager
def _noted() -> Iterator[list[int]]:
    """The signals that come meanwhile: Ray replaces the exception of their handlers with one without a number."""
    came: list[int] = []
    before = {signum: found for signum in SIGNALS if callable(found := signal.getsignal(signum))}

    def note(signum: int, frame: Any) -> None:
        came.append(signum)
        before[signal.Signals(signum)](signum, frame)

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    for signum in before:
        signal.signal(signum, note)
    try:
        yield came
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _job(
    number: int,
    overrides: list[str],
    folder: str,
    context: HydraContext,
    config: DictConfig,
    function: TaskFunction,
    state: Any,
) -> JobReturn | None:
    """Runs a job in a process of Ray, in the folder where the sweep was started; None if a signal ended it."""
    os.chdir(folder)
    setup_globals()
    Singleton.set_state(state)
    own = context.config_loader.load_sweep_config(config, overrides)
    with open_dict(own):
        own.hydra.job.id, own.hydra.job.num = f"{own.hydra.job.name}_{number}", number
    HydraConfig.instance().set_config(own)
    try:
        return run_job(
            hydra_context=context,
            config=own,
            task_function=function,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
    except SystemExit:  # Ray would take it for a lost process, and try again
        return None


def _connected(address: str | None) -> Any:
    """Ray, with a connection to its cluster."""
    handler = signal.getsignal(signal.SIGTERM)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise InputError(f"hydra/launcher=ray requires ray: {to_install('ray')}") from error
    if ray.is_initialized():
        return ray
    where = address or os.environ.get("RAY_ADDRESS")
    try:
        if found := re.fullmatch(r"([\w.-]+):(\d{1,5})", where or ""):
            socket.create_connection((found[1], int(found[2])), ANSWER).close()  # Ray would try for minutes
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError, OSError, OverflowError) as error:
        raise InputError(
            f"Ray {'at ' + shown(where) if where else 'on this machine'} cannot be reached "
            f"({shown(' '.join(str(error).split()), 160)}); start it with ray start --head, pass another "
            "hydra.launcher.address, or set RAY_AUTH_MODE=token for a cluster with a token"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray sets its own, which loses the signal's number
    return ray


def _check_room(ray: Any, shares: dict[str, float]) -> None:
    """Raises InputError if no machine is large enough, because Ray would wait for one forever."""
    names = {"num_cpus": "CPU", "num_gpus": "GPU"}
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(each.get(names[name], 0) >= value for name, value in shares.items()) for each in machines):
        most = {name: max((each.get(kind, 0) for each in machines), default=0) for name, kind in names.items()}
        raise InputError(
            "no machine of Ray has room for a job with "
            + " and ".join(f"hydra.launcher.{name}={value:g}" for name, value in shares.items())
            + "; the machines have at most "
            + " and ".join(f"{name}={value:g}" for name, value in most.items())
            + "; request less"
        )


def _result(ray: Any, number: int, future: Any) -> JobReturn:
    try:
        found = ray.get(future)
    except ray.exceptions.RayError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        log.error("job %d was lost: %s", number, shown(lines[-1] if lines else type(error).__name__, 200))
        found = None
    if found is None:
        found = JobReturn(status=JobStatus.COMPLETED)
        found.return_value = float("nan")
    return found
