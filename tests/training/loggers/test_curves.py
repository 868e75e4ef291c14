from types import SimpleNamespace

import pytest

from colourize.training.loggers import curves
from colourize.training.loggers.csv_files import CsvFiles


class Broken(CsvFiles):
    def close(self, status):
        raise OSError("Writer is closed")


class Seen(CsvFiles):
    def close(self, status):
        self.status = status


def test_a_logger_that_cannot_be_closed_does_not_hide_the_error_that_ended_the_run(tmp_path):
    seen = Seen(tmp_path, 0)
    trainer = SimpleNamespace(loggers=[Broken(tmp_path, 0), seen])
    with pytest.raises(ValueError, match="of the run"), curves.closed(trainer):
        raise ValueError("of the run")
    assert seen.status == "failed"
    with pytest.raises(OSError, match="Writer is closed"), curves.closed(trainer):
        pass
