"""The tab of photographs: the view, the controls, and the callbacks of their changes, which only call the desk."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from colourize.app import guard, rendered, shown
from colourize.app.desk import Desk
from colourize.app.remedies import on_page
from colourize.app.steering import COOLEST, DECODINGS, FORMATS, MOST_SATURATION, SAMPLES, WARMEST
from colourize.app.visitors import Visitors
from colourize.colour.usual import TEMPERATURE
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError, one_line
from colourize.inference import hinted

STATIC = Path(__file__).parent / "static"
EVENTS = "choose", "remove", "hint", "undo", "clear", "sample", "another", "unrefer"
SIZES = {"As in training": 0, "128 pixels": 128, "192 pixels": 192, "256 pixels": 256, "384 pixels": 384}
# the whole script, since a file of its own may arrive later than the page; Gradio looks in it for the names of events
SCRIPT = f"{{}}\ncolourizeView(element, props, trigger, watch, {{}});  // {', '.join(repr(each) for each in EVENTS)}"


def add(blocks: gr.Blocks, visitors: Visitors, port: int) -> None:
    """Adds the tab's content to the ``gr.Tab`` around this call."""
    names = visitors.networks.names
    with gr.Row(elem_classes="desk"):
        with gr.Column(scale=3, min_width=320):
            script = SCRIPT.format((STATIC / "view.js").read_text(), visitors.settings.largest)
            view = gr.HTML(
                "", html_template=(STATIC / "view.html").read_text(), js_on_load=script, apply_default_css=False,
                elem_id="view",
            )  # fmt: skip
        with gr.Column(scale=1, min_width=290, elem_classes="panel"):
            controls = _controls(names)
            about = gr.Markdown(visitors.networks.about(names[0]), elem_classes="about")
    call = Calls(visitors, port)
    for control in controls:
        event = control.input if isinstance(control, gr.Slider) else control.change
        event(call.steer, [view, *controls], [view, controls[2], about], show_progress="hidden",
              trigger_mode="always_last", api_visibility="private")  # fmt: skip
    for name in EVENTS:
        getattr(view, name)(getattr(call, name), None, [view], show_progress="hidden", trigger_mode="multiple",
                            api_visibility="private")  # fmt: skip
    blocks.load(call.load, None, [view, *controls, about], show_progress="hidden", api_visibility="private")


def _controls(names: list[str]) -> list[Any]:
    """In the order of ``Calls.steer``."""
    several = len(names) > 1
    return [
        gr.Dropdown(names, value=names[0], label="Network", interactive=several, visible=several),
        gr.Radio([(text, name) for name, text in DECODINGS.items()], value="mean", label="Colours"),
        gr.Slider(COOLEST, WARMEST, TEMPERATURE, step=0.05, label="Temperature",
                  info="low: vivid and patchy; high: safe and pale"),
        gr.Slider(0, MOST_SATURATION, 1.0, step=0.05, label="Saturation", info="0 is grey, 1 the network's own"),
        gr.Dropdown(list(SIZES.items()), value=0, label="Detail seen by the network",
                    info="larger shows finer objects, but less of the scene at once"),
        gr.Dropdown([(text, suffix) for suffix, text in FORMATS.items()], value="", label="Format of the download"),
        gr.Checkbox(True, label="Keep metadata", info="EXIF and XMP; a note says that a program coloured it"),
    ]  # fmt: skip


class Calls:
    """Callbacks of the page's events, each with the visitor's request first or last, as Gradio finds it by type."""

    def __init__(self, visitors: Visitors, port: int) -> None:
        self.visitors, self.port = visitors, port

    def load(self, request: gr.Request) -> list[Any]:
        """The visitor's photographs and choices from before the reload."""
        desk = self._desk(request)
        value = self._done(desk, lambda: None)
        if desk is None:
            return [value, *[gr.skip()] * 8]
        each = desk.steering
        warm = gr.update(value=each.temperature, interactive=each.decoding != "argmax")
        controls = [each.model, each.decoding, warm, each.saturation, each.size, each.format, each.metadata]
        return [value, *controls, self.visitors.networks.about(each.model)]

    def steer(
        self, view: str, model: str, decoding: str, temperature: float, saturation: float, size: int, format: str,
        metadata: bool, request: gr.Request,
    ) -> list[Any]:  # fmt: skip
        """Applies the controls; ``view`` is the last answer that the tab has."""
        desk = self._desk(request)

        def work() -> None:
            assert desk is not None
            desk.steer(replace(
                desk.steering, model=model, decoding=decoding, temperature=temperature, saturation=saturation,
                size=size, format=format, metadata=metadata,
            ))  # fmt: skip

        value = self._done(desk, work, shown.photograph(view))
        warm = gr.update(interactive=decoding != "argmax")
        networks = self.visitors.networks
        return [value, warm, networks.about(desk.steering.model if desk is not None else networks.names[0])]

    def choose(self, event: gr.EventData, request: gr.Request) -> str:
        """Shows a photograph."""
        return self._of(event, request, lambda desk: None)

    def remove(self, event: gr.EventData, request: gr.Request) -> str:
        """Removes a photograph."""
        return self._of(event, request, lambda desk: desk.remove(desk.current))

    def hint(self, event: gr.EventData, request: gr.Request) -> str:
        """Sets a colour at a place."""
        text = ",".join(_sent(event, name) for name in ("x", "y", "colour"))
        return self._of(event, request, lambda desk: desk.hint(hinted.parsed(text)))

    def undo(self, event: gr.EventData, request: gr.Request) -> str:
        """Takes back the last colour."""
        return self._of(event, request, lambda desk: desk.unhint())

    def clear(self, event: gr.EventData, request: gr.Request) -> str:
        """Takes back all colours."""
        return self._of(event, request, lambda desk: desk.unhint(everything=True))

    def sample(self, event: gr.EventData, request: gr.Request) -> str:
        """Shows one of the samples large."""
        return self._of(
            event, request, lambda desk: desk.steer(replace(desk.steering, seed=_whole(_sent(event, "seed"))))
        )

    def another(self, event: gr.EventData, request: gr.Request) -> str:
        """Draws other samples."""

        def work(desk: Desk) -> None:
            first = desk.steering.first + SAMPLES
            desk.steer(replace(desk.steering, first=first, seed=first))

        return self._of(event, request, work)

    def unrefer(self, event: gr.EventData, request: gr.Request) -> str:
        """Leaves the reference photograph out."""
        return self._of(event, request, lambda desk: desk.refer(None))

    def _desk(self, request: gr.Request) -> Desk | None:
        secret = guard.visitor_of(request.headers.get("cookie", ""), self.port)
        return None if secret is None else self.visitors.desk(secret)

    def _of(self, event: gr.EventData, request: gr.Request, work: Callable[[Desk], None]) -> str:
        desk = self._desk(request)
        return self._done(desk, lambda: work(desk) if desk is not None else None, _sent(event, "of"))

    def _done(self, desk: Desk | None, work: Callable[[], None], of: str = "") -> str:
        """Does some work on a desk, colours its photograph, and returns the page's new state.

        Args:
            desk: of the visitor.
            work: on the desk.
            of: number of the photograph that the tab shows, since another tab may have chosen another one; "" for none.
        """
        if desk is None:
            return shown.text(None, "the page does not know this browser; allow cookies and reload it")
        error = ""
        with desk.lock:
            try:
                if of:
                    desk.show(of)
                work()
                rendered.colour(desk)
            except (InputError, UnreadablePicture, ValueError) as caught:
                error = on_page(one_line(caught))
            except MemoryError:
                error = "memory ran out; choose less detail, or a smaller photograph"
            return shown.text(desk, error)


def _sent(event: gr.EventData, name: str) -> str:
    """A value that the page's script sent; "" where a stranger left it out."""
    return str(getattr(event, name, ""))[:100]


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]{1,19}", text):
        raise InputError("a seed must be a whole number; reload the page")
    return int(text)
