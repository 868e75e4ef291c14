"""The one progress bar."""

import io
import sys

import pytest

from colourize.present.bar import bar


class Terminal(io.StringIO):
    """A terminal, as far as rich asks."""

    def isatty(self):
        return True


@pytest.fixture
def written(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return lambda stream: monkeypatch.setattr(sys, "stderr", stream) or stream


def test_the_last_state_is_shown_and_then_erased(written):
    stream = written(Terminal())
    with bar("scans", 3) as show:
        show(advance=1)
        show(advance=1, description="[b]odd[/b].png")
    text = stream.getvalue()
    assert "2/3" in text and "[b]odd[/b].png" in text  # a name is text, not markup
    assert text.rstrip().endswith("\x1b[2K")  # erases the line


def test_a_total_may_become_known_later(written):
    stream = written(Terminal())
    with bar("film.mp4") as show:
        show(completed=7, total=9)
    assert "7/9" in stream.getvalue()


@pytest.mark.parametrize(("stream", "shown"), [(io.StringIO, True), (Terminal, False)])
def test_nothing_is_written_where_it_is_no_terminal_or_not_asked_for(written, stream, shown):
    made = written(stream())
    with bar("scans", 3, shown) as show:
        show(advance=3)
    assert made.getvalue() == ""
