import os
import platform
import subprocess
import sys

import pytest

from colourize.kernels import allocator

SIZE = 48 << 20  # bytes; glibc itself never keeps blocks of this size

# In a new process, because blocks of other tests on the heap determine the place of new blocks.
START = f"""
import resource
from pathlib import Path
import torch
from colourize.kernels import allocator

def block():
    torch.ones({SIZE}, dtype=torch.uint8)

def faulted():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt * resource.getpagesize()

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
"""


def test_a_freed_block_is_used_again_without_a_page_fault():
    if allocator.keep() < allocator.LARGEST:
        pytest.skip("another C library, or an older one, which keeps smaller blocks only")
    ten_times = """
with allocator.kept():
    for _ in range(20):  # until the heap has its final size: glibc may set the first few freed blocks aside
        block()
    before = faulted()
    for _ in range(10):
        block()
print(faulted() - before)
"""
    assert printed(ten_times) < SIZE / 10  # without reuse it would be ten times the size


def test_memory_is_returned_at_the_end():
    freed = """
with allocator.kept():
    block()
    held = resident()
print(held - resident())
"""
    assert printed(freed) > SIZE / 2 or not allocator.keep()


THREADS, SMALLER = 8, 16 << 20  # bytes; above 32 MB a thread's block lies outside of its heap
ONE_AFTER_THE_OTHER = f"""
import threading
import numpy as np

def work():
    np.ones({SMALLER}, np.uint8)  # torch's blocks are aligned, and glibc finds few of them again
    used.set()
    ended.wait()

ended, before = threading.Event(), resident()
with allocator.kept(1 << 25, 1 << 30):
    for _ in range({THREADS}):  # all live to the end, and one works at a time
        used = threading.Event()
        threading.Thread(target=work).start()
        used.wait()
    print(resident() - before)
ended.set()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is not changed")
def test_threads_that_share_heaps_use_again_what_another_has_freed():
    own, shared = (printed(line + ONE_AFTER_THE_OTHER) for line in ("", "allocator.share_heaps()"))
    assert own > 0.9 * THREADS * SMALLER
    assert shared < 1.2 * allocator.HEAPS * SMALLER


def printed(lines):
    """The integer printed by a new process that runs START and then the lines."""
    of_glibc = {name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    environment = {name: value for name, value in os.environ.items() if name not in of_glibc}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", START + lines]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=120)
    return int(done.stdout)
