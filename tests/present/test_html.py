"""Pages from templates: everything is escaped, a missing value is an error, tables keep their cells."""

import pytest
from jinja2 import UndefinedError

from colourize.present.html import Cell, Grid, Line, labelled, render
from tests.pages import Page

EVIL = "<script>alert('x')</script>&\"{{ 7 * 7 }}"


def evaluation(text):
    grid = Grid([text, text], [False, True], [Line("model", Cell(text, text), [Cell(text, text)])])
    figure = {"caption": text, "kind": "wide", "source": "data:image/png;base64,"}
    return render(
        "evaluation.html.j2", title=text, note=text, tables=[(text, grid)], sentences=[text], figures=[figure]
    )


def test_no_value_becomes_an_element_or_a_template():
    text = evaluation(EVIL)
    assert "<script" not in text and "49" not in text.partition("</style>")[2]
    page = Page(text)
    assert page.open == []
    assert page.addresses == ["data:image/png;base64,"]


def test_the_caption_of_a_chart_is_its_label_and_stays_text():
    text = labelled("<svg width='9'><svg /></svg>", 'loss < 1, "all" seeds')
    label = "loss &lt; 1, &#34;all&#34; seeds"
    assert text == f"""<svg role="img" aria-label="{label}" width='9'><svg /></svg>"""


def test_a_cell_has_its_small_print_below_it_and_its_alignment():
    grid = Grid(
        ["", "loss"], [False, True], [Line("best", Cell("UNet", "model"), [Cell("1.1", "± 0.1"), Cell("2")][:1])]
    )
    text = render("evaluation.html.j2", title="t", note="", tables=[("c", grid)], sentences=[], figures=[])
    assert '<tr class="best"><th>UNet<small>model</small></th>' in text
    assert '<td class="left">1.1<small>± 0.1</small></td></tr>' in text


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="note"):
        render("evaluation.html.j2", title="t", tables=[], sentences=[], figures=[])
