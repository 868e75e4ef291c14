"""A page whose server ends and is started again, or no longer knows the browser: each is a line, and nothing hangs."""

import contextlib
import urllib.parse

import pytest

from colourize.app.settings import Settings
from tests.app.browsing import upload
from tests.app.conftest import PATIENCE, served
from tests.drawn_pictures import landscape

pytestmark = pytest.mark.slow


@pytest.fixture
def photo(tmp_path):
    landscape(160, 120).convert("L").save(tmp_path / "a.png")
    return tmp_path / "a.png"


def alert(page, text):
    page.locator(".alert:visible", has_text=text).wait_for()
    assert page.locator(".status").text_content() == ""


def test_controls_clicks_and_uploads_say_that_the_server_ended_or_was_started_again_and_a_reload_mends_it(
    browser, photo, tmp_path
):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    doing = [
        page.get_by_label("Vivid").click,
        lambda: page.click(".chosen"),
        lambda: page.set_input_files(".strip .file", str(photo)),
    ]
    with contextlib.ExitStack() as first:
        address = first.enter_context(served(tmp_path / "first", Settings()))
        page.goto(address)
        page.wait_for_selector(".view .start")
        upload(page, photo)
        first.close()
        for do in doing:
            do()
            alert(page, "does not answer; start colourize app again")
    doing[0] = page.get_by_label("Balanced").click
    with served(tmp_path / "second", Settings(), urllib.parse.urlsplit(address).port):
        for do in doing:
            do()
            alert(page, "reload the page")
        page.reload()
        page.wait_for_selector(".view .start")
        upload(page, photo)
        assert page.locator(".chosen").count() == 1 and not page.locator(".alert").is_visible()
        context.close()


def test_a_server_that_ends_in_the_middle_of_its_work_is_a_line(page, photo):
    upload(page, photo)
    page.route("**/gradio_api/queue/join*", lambda route: None)  # no answer comes
    page.click(".chosen")
    page.locator(".status", has_text="Colouring").wait_for()
    page.route("**/visit", lambda route: route.abort())
    alert(page, "does not answer; start colourize app again")


def test_without_its_cookie_and_with_another_one_the_page_asks_for_a_reload(page, photo):
    upload(page, photo)
    (cookie,) = page.context.cookies()
    page.context.clear_cookies()
    page.click(".chosen")
    alert(page, "allow cookies")
    page.context.add_cookies([{**cookie, "value": "x" * 32}])
    page.click(".chosen")
    alert(page, "reload the page")
