"""Free memory, with the limits of control groups."""

import pytest

from colourize.data import memory


@pytest.fixture
def root(tmp_path):
    """A file system with 8 GB free and no control group."""
    write(tmp_path / "proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def group(root, folder, names, limit, used, stat=""):
    for name, text in zip(names, (limit, used, stat), strict=True):
        write(root / "sys/fs/cgroup" / folder / name, f"{text}\n")


V2 = "memory.max", "memory.current", "memory.stat"
V1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"


def test_without_a_control_group_the_free_memory_of_the_machine_counts(root):
    assert memory.available(root) == 8_000_000 * 1024


def test_the_limit_of_a_group_or_of_one_above_it_counts_without_reclaimable_cache(root):
    write(root / "proc/self/cgroup", "0::/outer/inner\n")
    group(root, "outer/inner", V2, "max", 10)
    group(root, "outer", V2, 1000, 700, "anon 500\ninactive_file 150")
    assert memory.available(root) == 1000 - 700 + 150


def test_version_1_has_its_own_names_and_a_container_sees_its_group_at_the_top(root):
    write(root / "proc/self/cgroup", "4:cpu:/\n3:memory:/docker/abc\n")
    group(root, "memory", V1, 5000, 2000, "inactive_file 1\ntotal_inactive_file 300")
    assert memory.available(root) == 5000 - 2000 + 300


def test_beside_version_1_the_second_one_has_a_folder_of_its_own(root):
    write(root / "proc/self/cgroup", "4:memory:/job\n0::/job/step\n")
    group(root, "memory/job", V1, 5000, 2000)
    group(root, "unified/job", V2, 900, 200, "inactive_file 50")
    assert memory.available(root) == 900 - 200 + 50


@pytest.mark.parametrize("limit", ["max", str((1 << 63) - 4096), "", "much"])
def test_a_group_without_a_limit_changes_nothing(root, limit):
    write(root / "proc/self/cgroup", "0::/\n")
    group(root, "", V2, limit, 5)
    assert memory.available(root) == 8_000_000 * 1024


def test_a_full_group_has_nothing_free(root):
    write(root / "proc/self/cgroup", "0::/\n")
    group(root, "", V2, 100, 200)
    assert memory.available(root) == 0
