"""Explains errors of Lightning and torch with a cause outside our code: knobs, a checkpoint, a killed worker."""

import contextlib
import re
from collections.abc import Iterator

import pytorch_lightning as pl
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from colourize.config.trainer_knobs import typed
from colourize.errors import InputError
from colourize.training.distributed import collectives
from colourize.training.distributed.watch import is_of_a_lost_rank
from colourize.training.resumption import Resumption
from colourize.training.start import Start
from colourize.training.task import Knobs

ASKED_FOR = r"returned nan values in|does not have a deterministic implementation"
"""Errors raised by trainer.detect_anomaly and trainer.deterministic."""


@contextlib.contextmanager
def explained(knobs: Knobs, trainer: pl.Trainer, start: Start | None) -> Iterator[None]:
    """Converts an error with a cause outside our code to an InputError."""
    try:
        yield
    except InputError:
        raise
    except MisconfigurationException as error:  # Lightning checks some arguments against the number of batches
        raise InputError(f"{typed(knobs['trainer'])}: {' '.join(str(error).split())}") from error
    except ConnectionError as error:  # the worker was killed, and torch has not noticed yet
        raise InputError(f"DataLoader worker (pid unknown) was lost: {error.strerror or error}") from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if is_of_a_lost_rank(error) and collectives.size() > 1:
            raise
        if re.search(ASKED_FOR, str(error)):
            raise InputError(f"{typed(knobs['trainer'])}: {' '.join(str(error).split())}") from error
        begun = any(isinstance(callback, Resumption) and callback.begun for callback in trainer.callbacks)  # type: ignore[attr-defined]
        if start is None or begun:
            raise
        line = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{start.path} cannot be restored ({line}); pass another checkpoint") from error
