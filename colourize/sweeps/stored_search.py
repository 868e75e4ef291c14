"""The stored search (a study in Optuna's terms): database, lock, overrides and best trial. Optuna is imported late."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from colourize import files
from colourize.config.compare import respelt, telling
from colourize.config.plain_yaml import read_yaml
from colourize.errors import InputError, one_line, to_install
from colourize.runs import manifest

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)
DATABASE, PRUNED, WORDS = "search.db", "pruned", "words"
RESULTS, LOCK = "optimization_results.yaml", ".search.lock"
WRITE_TIMEOUT = 60  # seconds to wait while another process writes


def open_search(folder: Path, random_trials: int = 0, prune_after: int = 0, make: bool = True) -> "optuna.Study":
    """Opens the search of a sweep folder. It is stored in SQLite, so that several processes can write.

    Args:
        folder: folder of the sweep.
        random_trials: as in ``conf/hydra/sweeper/optuna.yaml``; only needed to add trials.
        prune_after: as ``random_trials``.
        make: create the database if it is missing.

    Raises:
        InputError: Optuna is not installed, or the database cannot be used.
    """
    optuna, path = load_optuna(), folder.absolute() / DATABASE
    from sqlalchemy.exc import SQLAlchemyError

    pruner = optuna.pruners.MedianPruner(n_startup_trials=random_trials // 2, n_warmup_steps=prune_after)
    opens = optuna.create_study if make else optuna.load_study
    try:
        storage = optuna.storages.RDBStorage(  # with a creator, because a URL cannot contain every folder name
            f"sqlite:///{DATABASE}",
            engine_kwargs={"creator": lambda: _connected(path)},
            skip_table_creation=not make,
        )
        again = {"load_if_exists": True} if make else {}
        return opens(study_name="search", storage=storage, pruner=pruner, **again)
    except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError, KeyError) as error:
        line = str(error).partition("\n")[0]
        raise InputError(f"{path} cannot be used ({line}); move it away, or pass another hydra.sweep.dir") from error


def _connected(path: Path) -> sqlite3.Connection:
    """Connects to a database. Refuses views and triggers: Optuna creates none, and they could run forever."""
    connection = sqlite3.connect(path, timeout=WRITE_TIMEOUT, check_same_thread=False)
    if connection.execute("SELECT 1 FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone():
        connection.close()
        raise InputError(
            f"{path} contains views or triggers, which a search never creates; move it away, or pass another "
            "hydra.sweep.dir"
        )
    return connection


def load_optuna() -> Any:
    """Imports Optuna and limits its log to warnings; raises InputError if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError(f"a search requires Optuna: {to_install('sweep')}") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Locks a folder for one search.

    Raises:
        InputError: another search uses the folder, or the folder contains runs without a search.
    """
    if not (folder / DATABASE).exists() and any(folder.glob(f"*/{manifest.NAME}")):
        raise InputError(f"{folder} contains runs that do not belong to a search; pass another hydra.sweep.dir")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise InputError(
            f"{folder} is in use by another search; wait for it or stop it, or pass another hydra.sweep.dir"
        ) from error


def claim(search: Any, folder: Path, words: Sequence[str]) -> None:
    """Stores the overrides of a search.

    Raises:
        InputError: the stored overrides have another effect.
    """
    now = sorted(telling(words))
    if (before := search.user_attrs.get(WORDS)) is None:
        search.set_user_attr(WORDS, now)
    elif sorted(map(respelt, before)) != now:
        old, new = (" ".join(sorted(set(a) - set(b))) for a, b in ((before, now), (now, before)))
        other = f"with {old}{f', not {new}' * bool(new)}" if old else f"without {new}"
        raise InputError(f"{folder} contains a search {other}; pass the same overrides, or another hydra.sweep.dir")


def as_words(params: dict[str, Any]) -> list[str]:
    """Parameters as overrides. Floats are rounded to six significant digits, for readable names."""
    return sorted(map(_word, params.items()))


def _word(parameter: tuple[str, Any]) -> str:
    name, value = parameter
    return f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}"


def write_best(search: Any, folder: Path) -> None:
    """Writes the best trial in the format of hydra-optuna-sweeper. Writes nothing if all trials are incomplete."""
    try:
        best = search.best_trial
    except ValueError:
        return
    params = dict(word.split("=", 1) for word in as_words(best.params))
    stored = {"name": "optuna", "best_job": best.number, "best_params": params, "best_value": best.value}
    files.replace_text(folder / RESULTS, OmegaConf.to_yaml(OmegaConf.create(stored)))


def best(folder: Path) -> str:
    """One line about the best trial of a sweep's search; empty if the sweep is not a search."""
    try:
        stored = read_yaml(folder / RESULTS)
        words = " ".join(f"{name}={value}" for name, value in stored["best_params"].items())
        return f"job {stored['best_job']}, val/loss {stored['best_value']:.4f}: {words}"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s is damaged and ignored (%s)", folder / RESULTS, one_line(error))
        return ""
