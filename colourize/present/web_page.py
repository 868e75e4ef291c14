"""One self-contained page for the browser, light or dark as the reader's system, printed light; no scripts."""

import html
from collections.abc import Sequence

from colourize.present.terminal import clean


def page(title: str, body: str) -> str:
    """The page around a body of HTML."""
    head, _, end = PAGE.replace("TITLE", html.escape(title), 1).rpartition("BODY")
    return clean(head + body + end)


def row(kind: str, name: str, cells: Sequence[str], below: str = "", left: Sequence[bool] = ()) -> str:
    """A row of a table: its name, with a word ``below``, and cells of HTML; ``kind`` colours it."""
    small = f"<small>{html.escape(below)}</small>" if below else ""
    sides = [' class="left"' if side else "" for side in left or [False] * len(cells)]
    values = "".join(f"<td{side}>{cell}</td>" for side, cell in zip(sides, cells, strict=True))
    return f'<tr class="{kind}"><th>{html.escape(name)}{small}</th>{values}</tr>'


def table(head: Sequence[str], lines: Sequence[str], left: Sequence[bool] = ()) -> str:
    """A table that scrolls sideways where it must, of a header (texts) and rows of HTML."""
    sides = [' class="left"' if side else "" for side in left or [False] * len(head)]
    cells = (f"<th{side}>{html.escape(cell)}</th>" for side, cell in zip(sides, head, strict=True))
    top = f"<thead><tr>{''.join(cells)}</tr></thead>"
    return f'<div class="scroll"><table>{top}<tbody>{"".join(lines)}</tbody></table></div>'


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>TITLE</title><style>
:root { --ink: #1c2430; --soft: #5a6675; --paper: #fff; --line: #d5dbe2; --floor: #f1f3f6; --model: #fff6da;
        --ceiling: #e9f5ea; --code: #f1f3f6; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --soft: #a3afbd; --paper: #14181d;
        --line: #37404b; --floor: #1e242b; --model: #3a3314; --ceiling: #1c3221; --code: #1e242b; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem;
       margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; }
figcaption { font-size: .9rem; margin: .6rem 0 .2rem; } .titled figcaption { font-size: 1.1rem; font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top;
         overflow-wrap: normal; }
tbody th, thead th:first-child { text-align: left; position: sticky; left: 0; background: var(--paper);
         overflow-wrap: break-word; }
tbody th { font-weight: 600; min-width: 6rem; max-width: 24rem; }
thead th { font-size: .85rem; vertical-align: bottom; }
small { display: block; color: var(--soft); font-weight: 400; font-size: .75rem; white-space: nowrap; }
tr.floor > * { background: var(--floor); } tr.ceiling > * { background: var(--ceiling); }
tr.model > *, tr.decoding > *, tr.best > * { background: var(--model); }
td { white-space: nowrap; } td.left, thead th.left { text-align: left; }
td.left { white-space: normal; min-width: 9rem; }
figure { margin: 0; min-width: 0; } img, svg { max-width: 100%; height: auto; } .wide img { min-width: 44rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2rem; }
.charts svg { width: 100%; max-width: 38rem; overflow: visible; }
.strip { display: grid; grid-template-columns: minmax(0, 15rem) minmax(0, 41.25rem); gap: .1rem .8rem;
         align-items: center; margin: .15rem 0; }
.strip img { width: 100%; image-rendering: pixelated; display: block; }
.strip span { font-size: .85rem; text-align: right; }
@media (max-width: 40rem) { th, td { padding: .25rem .4rem; font-size: .85rem; }
  .strip { grid-template-columns: 1fr; } .strip span { text-align: left; } }
code, pre { font: .85em/1.4 ui-monospace, monospace; background: var(--code); border-radius: 3px; }
code { padding: 0 .2em; } pre { padding: .6rem; white-space: pre-wrap; } summary { cursor: pointer; }
@media print { tr, figure, .strip { break-inside: avoid; } h2 { break-after: avoid; }
  :root, body { font-size: 11px; } body { max-width: none; padding: 0; } .scroll { overflow: visible; }
  .wide img { min-width: 0; } th, td { padding: .2rem .3rem; white-space: normal; } td.left { min-width: 0; }
  .charts { grid-template-columns: 1fr 1fr; } .charts svg { max-height: 22cm; }
  details::details-content { content-visibility: visible; } }
</style></head><body>BODY</body></html>
"""
