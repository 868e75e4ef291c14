"""The tab of people who train: the runs of a folder, read only."""

import gradio as gr

from colourize.app.settings import Settings


def add(settings: Settings) -> None:
    """Adds the tab's content to the ``gr.Tab`` around this call."""
    gr.Markdown(f"Runs of `{settings.runs}`.")
