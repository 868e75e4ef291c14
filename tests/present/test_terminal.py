"""The text that is written to a terminal, and to a stream that cannot encode it."""

import io
import json
import logging
import sys
import unicodedata

import pytest
from rich.progress import Progress
from rich.table import Table

from colourize.present.terminal import clean, cleaned, console, guard, guard_log_files
from colourize.private.rich import raw

HOSTILE = "a\x1b[2J\x1b]0;title\x07b\rc\x9b31md\u202ee\u2066f\u2028g\udcffh\x7f"
STEERING = "a\\u001b[2J\\u001b]0;title\\u0007b\\u000dc\\u009b31md\\u202ee\\u2066f\\u2028g\\udcffh\\u007f"


def streams(monkeypatch, encoding="utf-8", errors="strict"):
    """Guarded standard output and error, and the written bytes."""
    behind = {name: io.BytesIO() for name in ("stdout", "stderr")}
    for name, buffer in behind.items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(buffer, encoding, errors, write_through=True))
    guard()
    return behind


def test_only_encodable_characters_without_control_effect_are_kept():
    others = [chr(code) for code in range(sys.maxunicode + 1) if chr(code) != "|"]
    shown = clean("|".join(others)).split("|")  # in one call: a million take ten times as long
    escaped = {other for other, text in zip(others, shown, strict=True) if other != text}
    controls = {chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp")}
    overrides = {chr(code) for code in range(0x10000) if unicodedata.bidirectional(chr(code)) in (
        "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")}  # fmt: skip
    assert escaped == (controls | overrides) - {"\n", "\t"}
    assert clean(HOSTILE) == STEERING
    assert clean("Größe, 色, ΔE00 ± 0.1, 👩‍🎨\n\t") == "Größe, 色, ΔE00 ± 0.1, 👩‍🎨\n\t"


def test_json_stays_json_and_reads_back_as_it_was():
    assert json.loads(clean(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE


def test_plain_values_are_cleaned_to_one_line_each():
    assert cleaned({"a\nb": ["\x1b", ("x\ny", 1.5, None)]}) == {"a b": ["\\u001b", ["x y", 1.5, None]]}


def test_print_logs_warnings_and_tracebacks_are_cleaned(monkeypatch):
    behind = streams(monkeypatch)
    print(HOSTILE)
    print(HOSTILE, file=sys.stderr)
    sys.stdout.writelines([HOSTILE, "\n"])
    handler = logging.StreamHandler(sys.stdout)
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "%s", (HOSTILE,), None))
    assert behind["stdout"].getvalue().decode() == f"{STEERING}\n" * 3
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert b"\x1b" not in behind["stderr"].getvalue()
    assert STEERING in behind["stderr"].getvalue().decode()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso8859-1", "utf-8"])
def test_no_encoding_ends_a_command(monkeypatch, encoding):
    behind = streams(monkeypatch, encoding)
    table = Table(title="ΔE00 ± 色")
    table.add_row("─é", HOSTILE)
    print("ΔE00 ± é")
    console().print(table)
    message = behind["stdout"].getvalue().decode(encoding)
    assert message.startswith("ΔE00 ± é".encode(encoding, "replace").decode(encoding))
    assert "\\u001b[2J" in message and "\x1b" not in message


def test_a_stream_keeps_its_own_handling_of_errors(monkeypatch):
    behind = streams(monkeypatch, "ascii", "backslashreplace")
    print("Δ")
    assert behind["stdout"].getvalue() == b"\\u0394\n"


def test_a_console_controls_the_terminal_and_its_texts_do_not(monkeypatch):
    behind = streams(monkeypatch)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = console()
    with Progress(console=shown, auto_refresh=False) as bar:
        bar.add_task("x\x1b[5mx", total=1, completed=1)
    shown.print("x\x1b[5mx", style="bold")
    message = behind["stdout"].getvalue().decode()
    assert "\x1b[?25l" in message and "\x1b[1m" in message  # hidden cursor, bold text
    assert "\x1b[5m" not in message and "x\\u001b[5mx" in message


def test_a_second_guard_changes_nothing(monkeypatch):
    streams(monkeypatch)
    before = sys.stdout
    guard()
    assert sys.stdout is before and raw(before) is not before
    assert sys.stdout.encoding == "utf-8" and not sys.stdout.isatty()


def test_a_log_file_takes_any_text_in_utf_8_and_cannot_control_the_terminal(tmp_path, monkeypatch):
    handler = logging.FileHandler(tmp_path / "train.log", encoding="ascii")
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    guard_log_files()
    guard_log_files()
    logging.getLogger("any").warning("Δ %s", HOSTILE)
    handler.close()
    assert (tmp_path / "train.log").read_text(encoding="utf-8") == f"Δ {STEERING}\n"
