"""``colourize report FOLDER ...``: reads runs and writes the page as HTML and Markdown, and a CSV."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from colourize import files
from colourize.config.compare import by_key
from colourize.present.terminal import cleaned
from colourize.report import html_page, markdown, records
from colourize.report.contents import contents
from colourize.report.document import Answer
from colourize.report.records import Record
from colourize.report.settings import Report, grouped
from colourize.runs.apart import as_typed, setting, value_of


def report(
    folders: Sequence[Path],
    html: Path | None = None,
    markdown_: Path | None = None,
    table: Path | None = None,
    pictures: bool = False,
) -> Report:
    """Writes the page as HTML and as Markdown, and the runs as CSV; prints their paths.

    Args:
        folders: of sweeps or runs, at any depth.
        html: defaults to ``report.html`` in the folder, or in the common parent of several folders. ``markdown_`` and
            ``table`` default to ``report.md`` and ``report.csv`` there.
        pictures: also write strips of pictures into the Markdown.

    Raises:
        InputError: a folder does not exist or contains no run; a file cannot be written, has another ending than
            .html, .md or .csv, or is not a report.
    """
    found = records.read(folders)
    home = folders[0] if len(folders) == 1 else Path(os.path.commonpath([folder.absolute() for folder in folders]))
    html, markdown_, table = html or home / "report.html", markdown_ or home / "report.md", table or home / "report.csv"
    for file, suffixes in ((html, files.PAGES), (markdown_, [".md"]), (table, [".csv"])):
        files.check_output(file, suffixes)
    answer = Answer(markdown.answer(markdown_))
    seen = grouped(found)
    document = contents(seen)
    document = replace(document, parts=[answer if isinstance(part, Answer) else part for part in document.parts])
    files.replace_text(html, html_page.rendered(document))
    markdown.write(document, markdown_, pictures)
    files.replace_text(table, _csv(seen))
    done, num = sum(record.state == "finished" for record in found), len(seen.settings)
    print(f"{len(found)} job{'s' * (len(found) != 1)}, {done} finished, {num} setting{'s' * (num != 1)}")
    for name, file in (("page", html), ("markdown", markdown_), ("table", table)):
        print(f"{name:9} {file}")
    return seen


def _seed_and_values(record: Record, varied: Sequence[str]) -> list[str]:
    """A job's seed and varied values: from its configuration, or from its overrides if it has not stored one."""
    if record.config:
        values = setting(record.config, record.fingerprint)
        return [str(record.seed), *(as_typed(value_of(values, name), exact=True) for name in varied)]
    words = by_key(record.overrides)
    return [words.get(name, "").partition("=")[2] for name in ("seed", *varied)]


def _csv(seen: Report) -> str:
    """A row for each job: its state, varied values and measures, with all digits."""
    varied = [*seen.varied, *seen.following]
    measures = sorted({name for record in seen.records for name in record.finals})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, ["job", "state", "seed", *varied, *measures, "error"]))
    for record in seen.records:
        finals = [repr(record.finals[name]) if name in record.finals else "" for name in measures]
        cells = [str(record.folder), record.state, *_seed_and_values(record, varied), *finals, record.error]
        writer.writerow(map(_cell, cleaned(cells)))
    return text.getvalue()


def _cell(text: str) -> str:
    """A cell that no spreadsheet reads as a formula, which could access a URL; numbers are unchanged."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
    return text
