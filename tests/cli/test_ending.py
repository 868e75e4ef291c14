import os
import subprocess
import sys
import threading

import pytest

from colourize.cli.ending import on_one_line
from colourize.data.in_threads import in_threads
from tests.commands import ONE_THREAD, ROOT


def test_where_no_thread_can_start_a_command_ends_in_one_line(monkeypatch):
    def refused(thread, *given):
        raise RuntimeError("can't start new thread")  # as CPython words it

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(SystemExit, match="^colourize: the system starts no further thread; .*ulimit"):
        on_one_line(lambda: list(in_threads(abs, [1, 2], 2)))


def test_another_error_of_the_program_keeps_its_traceback():
    def fails():
        raise RuntimeError("of the program")

    with pytest.raises(RuntimeError, match="of the program"):
        on_one_line(fails)


def test_a_working_directory_that_is_gone_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit, match="^colourize: the working directory no longer exists; change to another$"):
        on_one_line(lambda: None)


@pytest.mark.parametrize("words", [["--print-completion", "bash"], ["--help"], ["--version"], ["runs"]])
def test_a_reader_that_closes_the_pipe_causes_no_traceback(words, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "colourize", *words], cwd=tmp_path, stdout=writer,
                          stderr=subprocess.PIPE, text=True, env={**ONE_THREAD, "PYTHONPATH": str(ROOT)})  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
