import resource

import pytest
import torch

from colourize import allocator


def test_a_freed_block_is_used_again_without_a_page_fault():
    if allocator.keep() < allocator.LARGEST:
        pytest.skip("another C library, or an older one, which keeps smaller blocks only")
    size = 48 << 20  # more than glibc comes to keep by itself
    torch.ones(size, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(size, dtype=torch.uint8)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults * resource.getpagesize() < 3 * size  # anew each time, it would be ten times the size
