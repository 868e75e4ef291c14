"""The Markdown of a report, for its reader and for the next report."""

import csv
import html
import re
import sys

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from colourize.cli.main import main
from colourize.errors import InputError
from colourize.present.tables import one_line
from colourize.report import markdown
from colourize.report.document import Answer, Bullets, Chart, Document, Heading, Pictures, Table, Text
from colourize.report.written import report
from tests.made_runs import run
from tests.reports import made, written

CHART = "<svg ></svg>"


def files_of(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("lost", [markdown.BEGIN, markdown.END, None])
@pytest.mark.usefixtures("no_charts")
def test_a_file_other_than_a_report_or_without_a_place_for_the_answer_is_kept(tmp_path, lost):
    _, text, _ = written(made(tmp_path))
    text = "# By hand\n" if lost is None else text.replace(markdown.UNANSWERED, "So it is.").replace(lost, "")
    (tmp_path / "report.md").write_text(text)
    before = files_of(tmp_path)
    with pytest.raises(InputError, match="report.md exists without the comments .* pass another --markdown") as message:
        written(tmp_path)
    assert "\n" not in str(message.value) and files_of(tmp_path) == before


def test_a_file_that_is_not_text_is_one_line(tmp_path, monkeypatch):
    (made(tmp_path) / "report.md").write_bytes(b"\xff\xfe")
    monkeypatch.setattr(sys, "argv", ["colourize", "report", str(tmp_path)])
    with pytest.raises(SystemExit, match="report.md exists without the comments"):
        main()
    assert not (tmp_path / "report.html").exists()


def test_the_same_file_for_two_outputs_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(made(tmp_path))
    with pytest.raises(InputError, match=r"out\.csv must end in \.html or \.htm; pass another name"):
        report([tmp_path], html=tmp_path / "out.csv", table=tmp_path.joinpath("0", "..", "out.csv"))
    assert not list(tmp_path.glob("[a-z]*"))


def test_a_file_in_place_of_the_folder_of_charts_is_an_error_before_anything_is_written(tmp_path):
    (made(tmp_path) / "report_files").touch()
    with pytest.raises(InputError, match="report_files is a file"):
        report([tmp_path])
    assert not (tmp_path / "report.html").exists()


def test_omitted_pictures_of_many_palettes_are_named_once(tmp_path):
    strips = [Pictures({f"of palette {number}": np.zeros((8, 8, 3), np.uint8)}) for number in range(3)]
    document = Document("Report", [Heading("Pictures"), *strips, Text("after"), strips[0]])
    markdown.write(document, tmp_path / "page.md")
    expected = ["# Report", "## Pictures", markdown.ELSEWHERE, "after", markdown.ELSEWHERE]
    assert (tmp_path / "page.md").read_text() == "\n\n".join(expected) + "\n"
    markdown.write(document, tmp_path / "page.md", pictures=True)
    assert (tmp_path / "page.md").read_text().count("| of palette ") == 4


def test_only_charts_without_a_link_are_removed(tmp_path):
    home = tmp_path / "page_files"
    charts = [Chart(name, CHART, name) for name in ("one", "two")]
    markdown.write(Document("All", charts), tmp_path / "page.md")
    Image.new("RGB", (2, 2)).save(home / "pictures-01.png")
    (home / "mine.svg").write_text(CHART)
    (home / "notes.txt").touch()
    markdown.write(Document("Less", charts[1:]), tmp_path / "page.md")
    assert {file.name for file in home.iterdir()} == {"two.svg", "mine.svg", "notes.txt"}


def test_names_of_users_are_text_everywhere(tmp_path):
    name = "<i>\n&amp; \\*"
    parts = [Heading(name), Text(f"**Said**: `<b>` and {name}"), Bullets([name]), Chart("one", CHART, f"[{name}]")]
    markdown.write(Document(name, [Answer("<b>mine</b>"), *parts]), tmp_path / "a (b) c.md")
    text = (tmp_path / "a (b) c.md").read_text()
    message = r"\<i> \&amp; \\*"
    assert text.startswith(f"# {message}\n") and f"## {message}\n" in text and f"- {message}\n" in text
    assert f"**Said**: `<b>` and {message}\n" in text and "\n<b>mine</b>\n" in text
    assert "](a%20%28b%29%20c_files/one.svg)" in text


def test_the_title_of_a_folded_table_is_text(tmp_path):
    title = "Confused: <img src=x onerror=alert(1)>\n\n<!-- end of the answer --> &amp; *x*"
    markdown.write(Document("All", [Table([["a"], ["b"]], long=title)]), tmp_path / "page.md")
    read = MarkdownIt("commonmark", {"html": True}).enable("table").render((tmp_path / "page.md").read_text())
    assert re.findall("<[a-z!][^>]*>", read) == ["<h1>", "<details>", "<summary>", "<table>", "<thead>", "<tr>", "<th>",
                                                 "<tbody>", "<tr>", "<td>"]  # fmt: skip
    assert f"<summary>{html.escape(one_line(title))}</summary>" in read


@pytest.mark.parametrize("name", ["plain", "<i> &amp; \\*", "[half,full]", "a] [b", "`x` _y_ *z* | w", "![a](b)"])
def test_the_alternative_text_of_a_picture_is_its_exact_name(tmp_path, name):
    parts = [Chart("one", CHART, name), Pictures({name: np.zeros((2, 2, 3), np.uint8)})]
    markdown.write(Document("All", parts), tmp_path / "page.md", pictures=True)
    read = MarkdownIt().enable("table").render((tmp_path / "page.md").read_text())
    assert re.findall(r'<img src="[^"]+" alt="([^"]*)"', read) == [html.escape(name, quote=False)] * 2


def test_names_that_look_like_mathematics_are_drawn_literally(tmp_path):
    for job, name in enumerate(("a$^$.npy", "b$_$.npy", "a|<b>.npy")):
        run(tmp_path / str(job), palette=name)
    page, text, _ = written(tmp_path)
    assert page.count("palette=a$^$.npy") > 2 and r"| palette=a\|\<b>.npy |" in text


@pytest.mark.usefixtures("no_charts")
def test_the_csv_has_every_digit_of_varied_values(tmp_path):
    rates = [0.0012345678, 0.0012345679, 0.1 + 0.2]
    for job, lr in enumerate(rates):
        run(tmp_path / str(job), lr=lr)
    *_, table = written(tmp_path)
    assert [float(row["lr"]) for row in csv.DictReader(table.splitlines())] == rates
