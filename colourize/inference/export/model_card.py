"""The model card: a page of Markdown beside an exported file, after Mitchell and others 2019 (arXiv 1810.03993)."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from colourize import __version__, files
from colourize.config import stored
from colourize.config.instantiate import short_name
from colourize.inference import cards
from colourize.inference.export import whole_graph
from colourize.inference.export.exported import Exported
from colourize.present.html import TEMPLATES
from colourize.present.tables import as_cell, as_markdown
from colourize.present.terminal import clean
from colourize.runs.apart import as_typed, hyperparameters
from colourize.runs.trained import Trained

UNKNOWN = (
    "Not stated. The person who trained it decides; the licences of the training pictures may limit the choice. "
    "`colourize export --licence TEXT` states it."
)
USED = {
    "torchscript": "# for programs in C++ and on phones: torch::jit::load; colourize does not open it",
    "whole": f"# for other programs, in any ONNX runtime: {whole_graph.INPUT} -> {whole_graph.OUTPUT}; "
             "colourize does not open it",
}  # fmt: skip


def beside(path: Path) -> Path:
    """The file of a model card: ``FILE.md``, such as ``horse.onnx.md``."""
    return path.with_name(f"{path.name}.md")


def text(
    written: Exported, trained: Trained, licence: str = "", figures: Sequence[Sequence[str]] = (),
    figures_of: str = "",
) -> str:  # fmt: skip
    """The page.

    Args:
        written: the file.
        trained: the network that was exported.
        licence: of the weights, as Markdown; empty for unknown.
        figures: a table of measures, its header first; empty if there are none.
        figures_of: a sentence about the measured pictures.
    """
    card, form = written.card, written.form
    environment = Environment(  # no autoescape: it is Markdown, which ``as_cell`` escapes
        loader=FileSystemLoader(TEMPLATES), autoescape=False, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("model_card.md.j2").render(
        name=as_cell(card.name),
        network=as_cell(short_name(trained.config["model"])),
        weights=f"{sum(parameter.numel() for parameter in trained.model.parameters()):,}",
        version=__version__,
        colours=len(card.palette),
        size=card.size,
        use=USED.get(
            "whole" if form.whole else form.format,
            f"colourize photo photo.jpg -o coloured.jpg --model {shlex.quote(card.name)}",
        ),
        expects=whole_graph.EXPECTS if form.whole else cards.expects(card),
        gives=whole_graph.GIVES if form.whole else cards.gives(card),
        checked=written.checked,
        settings=as_markdown([["setting", "value"], *_settings(trained.config)]),
        figures=as_markdown(figures) if figures else "",
        figures_of=figures_of,
        licence=licence or UNKNOWN,
    )
    return clean(page).rstrip() + "\n"


def _settings(config: Mapping[str, Any]) -> list[list[str]]:
    """The settings that had an effect in the run, without file paths."""
    values = hyperparameters(stored.to_hand_on(dict(config)))
    return [[name, as_typed(value)] for name, value in values.items()]


def write(path: Path, page: str) -> Path:
    """Writes the page beside the file; returns its place."""
    files.replace_text(beside(path), page)
    return beside(path)
