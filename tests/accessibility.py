"""Accessibility of a page, by axe-core."""

from pathlib import Path

import pytest


def findings(page):
    """What axe-core finds, without what it calls minor."""
    axe = pytest.importorskip("axe_playwright_python")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text())
    found = page.evaluate("async () => { const r = await axe.run(); return [r.passes.length, r.violations]; }")
    assert found[0] > 10
    return [
        (each["impact"], each["id"], [node["target"] for node in each["nodes"]])
        for each in found[1]
        if each["impact"] in ("moderate", "serious", "critical")
    ]
