"""The tab of runs in a browser."""

import pytest

from colourize.app.settings import Settings
from tests import made_runs
from tests.accessibility import findings, set_scheme

pytestmark = pytest.mark.slow
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page_settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("outputs")
    made_runs.run(home / HOSTILE, losses=(3.0,), lr=0.1)
    made_runs.run(home / "first", losses=(2.0, 1.0), lr=0.001)
    return Settings(runs=home)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_runs_are_listed_chosen_and_shown(page, scheme):
    set_scheme(page, scheme)
    page.get_by_role("tab", name="Runs").click()
    for name in ("first", HOSTILE):
        page.get_by_role("button", name=name).click()
        page.wait_for_selector(f"#runs-one h2:has-text('{name}')")
        assert page.locator("#runs-one svg").count() >= 1
        page.reload()  # keeps the choice
        page.get_by_role("tab", name="Runs").click()
        page.wait_for_selector(f"#runs-one h2:has-text('{name}')")
    assert page.locator("#runs-list img, #runs-one img[src=x]").count() == 0
    assert findings(page) == []


def test_a_wide_table_does_not_widen_a_narrow_page(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("tab", name="Runs").click()
    page.wait_for_selector("#runs-one h2")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
