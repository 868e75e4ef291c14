"""Accessibility of a page, by axe-core."""

from pathlib import Path

import pytest


def set_scheme(page, scheme):
    """Changes the page to "light" or "dark", and waits until its colours have faded in."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_selector("body.dark" if scheme == "dark" else "body:not(.dark)", state="attached")
    page.wait_for_function("!document.getAnimations().some(each => each.playState === 'running')")


def findings(page):
    """What axe-core finds on a page that is built, without what it calls minor."""
    axe = pytest.importorskip("axe_playwright_python")
    page.wait_for_selector(".loading", state="detached")  # Gradio's word while it still builds what it already shows
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text())
    found = page.evaluate("async () => { const r = await axe.run(); return [r.passes.length, r.violations]; }")
    assert found[0] > 10
    return [
        (each["impact"], each["id"], [node["target"] for node in each["nodes"]])
        for each in found[1]
        if each["impact"] in ("moderate", "serious", "critical")
    ]
