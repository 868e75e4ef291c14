"""Writes a document as Markdown, with charts as separate SVG files, and keeps the user's answer in it."""

import html
import re
from pathlib import Path
from urllib.parse import quote

from colourize import files
from colourize.errors import InputError
from colourize.present.tables import Markdown, as_markdown, one_line
from colourize.present.terminal import clean
from colourize.report import strips
from colourize.report.document import Answer, Bullets, Chart, Code, Document, Heading, Part, Pictures, Table, Text

BEGIN, END = "<!-- answer: kept when this page is written again -->", "<!-- end of the answer -->"
UNANSWERED = "*Not answered yet: write it here.*"
ELSEWHERE = "*Pictures: in the HTML page.*"
# an SVG file does not inherit the page's colours, so it sets its own
PAPER = """<style>svg { color: #1c2430; background: #ffffff; }
@media (prefers-color-scheme: dark) { svg { color: #e3e8ee; background: #14181d; } }</style>"""


def answer(path: Path) -> str:
    """The user's answer in the present page; empty if the page has none.

    Raises:
        InputError: the file has no markers of an answer, so it is not a report or its answer is lost; the folder of
            charts is a file or a link.
    """
    files.check_no_links([home := _home(path)])
    if home.exists() and not home.is_dir():
        raise InputError(f"{home} is a file, but the charts need a folder of that name; pass another --markdown")
    try:
        text = files.read_bytes(path).decode()
    except FileNotFoundError:
        return ""
    except ValueError:
        text = ""
    found = re.search(re.escape(BEGIN) + "(.*?)" + re.escape(END), text, re.S)
    if found is None:
        raise InputError(
            f"{path} exists without the comments around a report's answer; pass another --markdown, or put "
            f"{BEGIN} and {END} around the answer"
        )
    kept = found[1].strip()
    return "" if kept == UNANSWERED else kept


def write(document: Document, path: Path, pictures: bool = False) -> None:
    """Writes the page, and its charts to a folder next to it; strips of pictures only with ``pictures``."""
    home = _home(path)
    home.mkdir(exist_ok=True)
    linked = set()
    parts = [f"# {_escaped(document.title)}"]
    number = 0
    for part in document.parts:
        if isinstance(part, Chart):
            name = f"{part.name}.svg"
            files.replace_text(home / name, part.svg.replace(">", f">{PAPER}", 1))
            linked.add(name)
            parts.append(f"{_image(part.caption, _address(home, name))}\n\n{_escaped(part.caption)}")
        elif isinstance(part, Pictures):
            lines = []
            for name, strip in part.strips.items() if pictures else ():
                number += 1
                contents, file_name = strips.png(strip), f"pictures-{number:02}.png"
                files.replace(home / file_name, lambda file, contents=contents: file.write(contents))  # type: ignore[misc]
                linked.add(file_name)
                lines.append([name, _image(name, _address(home, file_name))])
            if lines:
                parts.append(as_markdown([["", "pictures"], *lines]))
            elif parts[-1] != ELSEWHERE:
                parts.append(ELSEWHERE)
        else:
            parts.append(_part(part))
    files.replace_text(path, clean("\n\n".join(parts) + "\n"))
    for file in home.iterdir():
        if file.name not in linked and _is_ours(file):
            file.unlink()


def _home(path: Path) -> Path:
    """The folder of a page's charts."""
    return path.with_name(f"{path.stem}_files")


def _is_ours(file: Path) -> bool:
    """Whether an earlier page wrote the file: a chart has our colours, a strip our name. A link is never ours."""
    if file.is_symlink() or not file.is_file():
        return False
    if file.suffix == ".svg":
        with file.open("rb") as chart:
            return PAPER.encode() in chart.read(files.LARGEST)
    return re.fullmatch(r"pictures-\d{2,}\.png", file.name) is not None


def _part(part: Part) -> str:
    match part:
        case Heading(text):
            return f"## {_escaped(text)}"
        case Text(text):
            return _escaped(text)
        case Answer(text):
            return f"{BEGIN}\n{text or UNANSWERED}\n{END}"
        case Bullets(items):
            return "\n".join(f"- {_escaped(item)}" for item in items)
        case Code(lines):
            return "\n".join(["```bash", *lines, "```"])
        case Table(rows, _, long):
            table = as_markdown(rows)
            title = html.escape(one_line(long))  # Markdown is not read in a line of HTML
            return f"<details><summary>{title}</summary>\n\n{table}\n\n</details>" if long else table
    raise TypeError(type(part))


def _escaped(text: str) -> str:
    """A text on one line, escaped so that only `code` is markup."""
    return re.sub(
        r"`[^`]*`|[\\<&]|\](?=\()", lambda found: found[0] if "`" in found[0] else f"\\{found[0]}", one_line(text)
    )


def _image(text: str, address: str) -> Markdown:
    """An image with an alternative text, in which Markdown's characters are escaped."""
    return Markdown("![{}]({})".format(re.sub(r"[\\`*_<&\[\]|]", r"\\\g<0>", one_line(text)), address))


def _address(home: Path, name: str) -> str:
    return f"{quote(home.name)}/{quote(name)}"
