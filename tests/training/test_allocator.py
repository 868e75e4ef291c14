import resource
from pathlib import Path

import pytest
import torch

from colourize.training import allocator

SIZE = 48 << 20  # bytes, more than glibc comes to keep by itself


def test_a_freed_block_is_used_again_without_a_page_fault():
    if allocator.keep() < allocator.LARGEST:
        pytest.skip("another C library, or an older one, which keeps smaller blocks only")
    with allocator.kept():
        assert faulted() < 3 * SIZE  # anew each time, it would be ten times the size


def test_memory_goes_back_at_the_end():
    with allocator.kept():
        torch.ones(SIZE, dtype=torch.uint8)
        held = resident()
    assert resident() < held - SIZE / 2 or not allocator.keep()


def faulted():
    """Bytes that were mapped anew while a block was taken and freed ten times more."""
    torch.ones(SIZE, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(SIZE, dtype=torch.uint8)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize()


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
