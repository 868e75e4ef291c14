"""A command that is the whole process ends as Python ends it, but without freeing its objects."""

import os
import signal
import subprocess
import sys

import pytest

from tests.commands import ROOT

SCRIPT = """
import atexit, gc, os, signal, sys, threading, time
sys.path.insert(0, {root!r})
from colourize.cli.main import program

class Last:
    def __del__(self):
        os.write(2, b"freed\\n")

def late():
    time.sleep(0.05)
    print("thread")

def command():
    global last
    last = [Last()]
    last.append(last)  # a cycle, which Python frees at its end
    atexit.register(print, "atexit")
    threading.Thread(target=late).start()
    print("written")
    {end}

if {ours}:
    program(command)
else:
    command()
"""
ENDS = (
    "pass", "sys.exit()", "sys.exit(0)", "sys.exit(3)", "sys.exit(-1)", "sys.exit(True)", "sys.exit('one line é')",
    "sys.exit([1])", "raise ValueError('a bug')", "os.close(1)", "sys.stdout.close()", "sys.stdout = None",
    "sys.stderr = None; sys.exit('lost')",
)  # fmt: skip


def ended(tmp_path, end, ours, *words):
    """Status, standard output and standard error of a script that ends in this way; without traces of frames."""
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(root=str(ROOT), end=end, ours=ours))
    run = subprocess.run([sys.executable, *words, file], capture_output=True, text=True, cwd=tmp_path)
    said = [line for line in run.stderr.splitlines() if not line.startswith(("  ", "Traceback"))]
    return run.returncode, run.stdout, [line for line in said if line != "freed"], "freed" in said


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_as_python_ends_it(end, tmp_path):
    own = ended(tmp_path, end, ours=False)
    ours = ended(tmp_path, end, ours=True)
    assert own[:3] == ours[:3]
    assert own[3] or "stderr = None" in end


def test_it_does_not_free_what_the_system_frees(tmp_path):
    assert not ended(tmp_path, "sys.exit(0)", ours=True)[3]


def test_a_profiler_gets_its_results(tmp_path):
    status, out, _, freed = ended(tmp_path, "sys.exit(0)", True, "-m", "cProfile", "-s", "tottime")
    assert status == 0 and "function calls" in out and freed


@pytest.mark.parametrize("handler", ["SIG_DFL", "SIG_IGN"])
def test_ctrl_c_while_it_ends_is_the_system_s(handler, tmp_path):
    """A handler of Python would raise in a function of atexit."""
    end = f"signal.signal(signal.SIGINT, {'print' if handler == 'SIG_DFL' else 'signal.SIG_IGN'})"
    kill = f"{end}; atexit.register(os.kill, os.getpid(), {int(signal.SIGINT)})"
    status = ended(tmp_path, kill, ours=True)[0]
    assert status == (-signal.SIGINT if handler == "SIG_DFL" else os.EX_OK)
