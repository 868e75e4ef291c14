"""A document as Markdown, its charts as SVG files beside it; a person's answer in it is kept."""

import re
from pathlib import Path

from colourize import files
from colourize.study import strips
from colourize.study.document import Answer, Bullets, Chart, Code, Document, Heading, Part, Pictures, Table, Text
from colourize.tables import as_markdown

BEGIN, END = "<!-- answer: kept when this page is written again -->", "<!-- end of the answer -->"
UNANSWERED = "*Not answered yet: write it here.*"
# as a file a figure knows nothing of the page around it, so it brings its own paper
PAPER = """<style>svg { color: #1c2430; background: #ffffff; }
@media (prefers-color-scheme: dark) { svg { color: #e3e8ee; background: #14181d; } }</style>"""


def answer(path: Path) -> str:
    """What a person wrote as the answer into the page that is there; empty where nothing is."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    found = re.search(re.escape(BEGIN) + r"\n(.*?)\n?" + re.escape(END), text, re.S)
    kept = found[1].strip() if found else ""
    return "" if kept == UNANSWERED else kept


def write(document: Document, path: Path, pictures: bool = False) -> None:
    """Writes the page and its charts, in a folder beside it; strips of pictures only where they are asked for."""
    home = path.with_name(f"{path.stem}_files")
    home.mkdir(exist_ok=True)
    parts = [f"# {document.title}"]
    number = 0
    for part in document.parts:
        if isinstance(part, Chart):
            files.replace_text(home / f"{part.name}.svg", part.svg.replace(">", f">{PAPER}", 1))
            parts.append(f"![{_plain(part.caption)}]({_address(home.name)}/{part.name}.svg)\n\n{part.caption}")
        elif isinstance(part, Pictures):
            lines = []
            for name, strip in part.strips.items() if pictures else ():
                number += 1
                contents = strips.png(strip)
                files.replace(home / f"pictures-{number:02}.png", lambda file, contents=contents: file.write(contents))  # type: ignore[misc]
                lines.append([name, f"![{_plain(name)}]({_address(home.name)}/pictures-{number:02}.png)"])
            parts.append(as_markdown([["", "pictures"], *lines]) if lines else "*Pictures: in the HTML page.*")
        else:
            parts.append(_part(part))
    files.replace_text(path, "\n\n".join(parts) + "\n")


def _part(part: Part) -> str:
    match part:
        case Heading(text):
            return f"## {text}"
        case Text(text):
            return text
        case Answer(text):
            return f"{BEGIN}\n{text or UNANSWERED}\n{END}"
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Code(lines):
            return "\n".join(["```bash", *lines, "```"])
        case Table(rows, _, long):
            table = as_markdown(rows)
            return f"<details><summary>{long}</summary>\n\n{table}\n\n</details>" if long else table
    raise TypeError(type(part))


def _plain(text: str) -> str:
    return text.replace("`", "").replace("[", "(").replace("]", ")")


def _address(name: str) -> str:
    return name.replace(" ", "%20")
