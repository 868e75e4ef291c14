"""Imports without the garbage collector."""

import gc
import sys

import pytest

from colourize import imports


@pytest.fixture
def collector():
    """The collector works again afterwards."""
    yield
    gc.enable()


def test_the_collector_rests_during_imports_and_ignores_what_they_made(collector):
    before = gc.get_freeze_count()
    with imports.quick("a_library_that_is_not_imported"):
        assert not gc.isenabled()
        made = [[number] for number in range(10_000)]
    assert gc.isenabled() and gc.get_freeze_count() > before + len(made) / 2


def test_without_a_new_library_the_collector_stays_on(collector):
    before = gc.get_freeze_count()
    with imports.quick("sys"):
        assert "sys" in sys.modules and gc.isenabled()
        made = [[number] for number in range(10_000)]
    assert gc.get_freeze_count() < before + len(made) / 2  # frozen objects are freed, too, once nothing refers to them


def test_one_context_in_another_ends_with_the_outer_one(collector):
    with imports.quick("a_library_that_is_not_imported"):
        with imports.quick("a_library_that_is_not_imported"):
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_after_an_error_the_collector_works_again(collector):
    with pytest.raises(ModuleNotFoundError), imports.quick("a_library_that_is_not_imported"):
        import a_library_that_is_not_imported  # noqa: F401
    assert gc.isenabled()
