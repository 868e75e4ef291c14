"""The printed output of ``colourize prepare``: counts, the first names, the floor, and the command to train."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from colourize.data.kinds import files_of
from colourize.data.preparation.examined import KEPT, Outcome
from colourize.data.preparation.output import LIST
from colourize.data.preparation.pages import PAGE
from colourize.data.preparation.run import Prepared
from colourize.data.preparation.settings import Settings
from colourize.data.preparation.summary import rules, training_command
from colourize.files import printable
from colourize.present.tables import as_text

NAMED = 5  # files printed for each reason; the list and the page name all


def lines(prepared: Prepared, out: Path, settings: Settings) -> Iterator[str]:
    """The lines of the output, in order; only two if nothing has changed since the last call."""
    figures = prepared.figures
    if prepared.unchanged:
        # counted, because the figures come from a file that may have been changed
        count = sum(outcome.state == KEPT for outcome in prepared.outcomes)
        kept = f"{count:,} of {len(prepared.outcomes):,} picture files are kept in {out}"
        yield f"nothing is new: {kept}; see {out / PAGE}"
        yield f"train with: {training_command(out, settings.side)}"
        return
    yield f"{figures['kept']:,} of {figures['files']:,} picture files are kept in {out}, {prepared.new:,} of them new"
    for reason, rule in rules(settings).items():
        some = [outcome for outcome in prepared.outcomes if outcome.state == reason]
        if some:
            yield from _dropped(reason, rule, some)
    for kind, count in figures["left_out"].items():
        yield f"left out: {files_of(kind, count) if ' ' not in kind else f'{count:,} pictures {kind}'}"
    if prepared.stray:
        yield f"{out} contains {prepared.stray:,} prepared pictures without an original; delete them by hand"
    yield ""
    yield _splits(prepared)
    mean, share = figures["colourfulness"]["mean"], figures["share_without_colour"]
    yield f"mean colourfulness of those kept: {mean:g}; pictures without colour: {share:.1%}"
    for space, floor in figures["floors"].items():
        yield (
            f"a network must beat the look-up table in colour_space={space}: cross-entropy {floor['table']:.3f}, "
            f"accuracy {floor['accuracy']:.1%}"
        )
    yield f"{out / PAGE} shows samples; {out / LIST} lists every file"
    yield f"train with: {training_command(out, settings.side)}"


def _dropped(reason: str, rule: str, some: Sequence[Outcome]) -> Iterator[str]:
    yield f"dropped: {len(some):,} {reason} ({rule})"
    for outcome in some[:NAMED]:
        like = f", as {printable(outcome.like)}" if outcome.like else ""
        yield f"  {printable(outcome.file.path)}: {outcome.why}{like}"
    if len(some) > NAMED:
        yield f"  and {len(some) - NAMED:,} more"


def _splits(prepared: Prepared) -> str:
    splits = prepared.figures["splits"]
    names = sorted({name for split in splits.values() for name in split["classes"]})
    rows = [["", *splits], ["pictures", *(f"{split['pictures']:,}" for split in splits.values())]]
    rows += [[printable(name), *(f"{split['classes'].get(name, 0):,}" for split in splits.values())] for name in names]
    return as_text(rows) + "\n"
