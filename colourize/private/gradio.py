"""Private names of Gradio."""

import asyncio
import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio

PRINTING = "gradio.queueing", "gradio.routes"
"""Modules that print the traceback of an error in a call."""
USED = (
    *(
        f"colourize.private.gradio.empty()._queue.{name}"
        for name in ("pending_messages_per_session", "pending_event_ids_session", "clean_events")
    ),
    *(f"{name}.traceback.print_exc" for name in PRINTING),
)


def empty() -> "gradio.Blocks":
    """An empty page, for the check of these names; Gradio makes locks, which requires an event loop."""

    async def made() -> "gradio.Blocks":
        import gradio

        return gradio.Blocks(analytics_enabled=False)

    return asyncio.run(made())


def report_errors(report: Callable[[], None]) -> None:
    """Calls ``report`` in place of ``traceback.print_exc``, which Gradio uses for every error in a call."""
    for name in PRINTING:
        module: Any = importlib.import_module(name)
        module.traceback = SimpleNamespace(print_exc=report)


def events(blocks: "gradio.Blocks") -> dict[str, int]:
    """For each session, the number of events whose results its page has not yet taken."""
    return {name: len(each) for name, each in blocks._queue.pending_event_ids_session.items()}


def sessions(blocks: "gradio.Blocks") -> set[str]:
    """The sessions for which Gradio keeps data."""
    queue = blocks._queue
    return {*queue.pending_messages_per_session, *queue.pending_event_ids_session, *blocks.state_holder.session_data}


async def forget(blocks: "gradio.Blocks", name: str) -> None:
    """Removes all that Gradio keeps of a session: events, results, and the values of its components."""
    queue, holder = blocks._queue, blocks.state_holder
    await queue.clean_events(session_hash=name)
    queue.pending_event_ids_session.pop(name, None)
    if name in queue.pending_messages_per_session:
        del queue.pending_messages_per_session[name]
    holder.session_data.pop(name, None)
    holder.time_last_used.pop(name, None)
