"""The page: its title and its tabs, each built by a file of its own."""

from pathlib import Path
from typing import Any

import gradio as gr

from colourize.app import photograph_tab, runs_tab
from colourize.app.settings import Settings
from colourize.app.visitors import Visitors

STATIC = Path(__file__).parent / "static"
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

CONTRAST: dict[str, Any] = {
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_400",
    "block_label_text_color": "*neutral_700",
    "block_title_text_color": "*neutral_800",
    "block_title_text_color_dark": "*neutral_200",
    "checkbox_label_text_color": "*neutral_800",
    "input_placeholder_color": "*neutral_600",
}
"""At least 4.5:1 for all texts (WCAG 2.1, 1.4.3), which Gradio's own greys do not reach."""


def built(settings: Settings, visitors: Visitors, port: int) -> gr.Blocks:
    """The whole page."""
    with gr.Blocks(title="colourize", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(
            '<header class="masthead"><h1>colourize</h1><p>Grey photographs in likely colours. '
            "Nothing leaves this machine.</p></header>" if settings.is_local else
            '<header class="masthead"><h1>colourize</h1><p>Grey photographs in likely colours.</p></header>',
            js_on_load=None,
        )  # fmt: skip
        with gr.Tabs():
            with gr.Tab("Photograph", id="photograph"):
                photograph_tab.add(blocks, visitors, port)
            with gr.Tab("Runs", id="runs"):
                runs_tab.add(settings)
    blocks.queue(default_concurrency_limit=2, max_size=200, api_open=False)
    return blocks


def theme() -> gr.themes.Base:
    """A theme of the system's own fonts, so that the browser asks no other address."""
    fonts: list[Any] = list(FONTS)
    made = gr.themes.Base(
        primary_hue="violet", secondary_hue="violet", neutral_hue="zinc", font=fonts, font_mono=list(MONO),
        radius_size="lg",
    )  # fmt: skip
    return made.set(**CONTRAST)


def head() -> str:
    """For the head of the page: the width of the screen, for phones."""
    return '<meta name="viewport" content="width=device-width, initial-scale=1">'
