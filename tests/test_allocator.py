import platform
import resource

import pytest
import torch

from colourize import allocator


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library, which is left as it is")
def test_a_freed_block_is_used_again_without_a_page_fault():
    assert allocator.keep()
    size = 32 << 20
    torch.ones(size, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(size, dtype=torch.uint8)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults * resource.getpagesize() < 3 * size  # anew each time, it would be ten times the size
