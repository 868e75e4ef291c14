"""Reports without their charts, for tests of the text."""

import pytest


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces each chart by an empty one: drawing takes most of a report's time."""
    for name in ("charts", "searched"):
        monkeypatch.setattr(f"colourize.report.{name}.as_svg", lambda figure, axes, axis: "<svg></svg>")
