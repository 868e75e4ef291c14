import html
import re

import pytest
from markdown_it import MarkdownIt

from colourize.present.tables import as_markdown, as_text

ROWS = [["name", "count", "share"], ["a|b", "1,234", "0.5"], ["longer", "7", ""]]


def test_numbers_are_aligned_right_and_words_left():
    assert as_text(ROWS).splitlines() == [
        "name    count  share", "--------------------", "a|b     1,234    0.5", "longer      7"
    ]  # fmt: skip


def test_markdown_keeps_bars_in_cells():
    assert as_markdown(ROWS).splitlines()[:3] == [
        "| name | count | share |", "| --- | --: | --: |", "| a\\|b | 1,234 | 0.5 |"
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["<b>", "a|b", r"a\|b", "\\", "&lt;", "2*a*b", "`x`", "[half,full]", "![a](b)"])
def test_the_rendered_markdown_shows_the_text_of_the_cell(cell):
    read = MarkdownIt().enable("table").render(as_markdown([["name", cell], [cell, "x"]]))
    assert re.findall(r"<t[hd].*?>(.*)</t[hd]>", read) == ["name", html.escape(cell), html.escape(cell), "x"]


def test_a_cell_of_two_lines_stays_in_one_row():
    assert as_markdown([["a", "b"], ["one\ntwo", "c\r\nd"]]).splitlines()[2:] == ["| one two | c d |"]


def test_a_table_without_rows_is_its_header():
    assert as_text([["a", "b"]]) == "a  b\n----"
    assert as_markdown([["a", "b"]]) == "| a | b |\n| --- | --: |"
