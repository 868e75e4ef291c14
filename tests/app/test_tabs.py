"""Several tabs of one browser share a visitor's photographs, and each tab keeps the one that it shows."""

import io
import threading

import pytest
from PIL import Image

from colourize.app.photograph_tab import Calls
from tests.app.browsing import changed, picture, saved, upload
from tests.drawn_pictures import landscape

pytestmark = pytest.mark.slow
SHOWN = "width => ['grey', 'colour'].every(name => document.querySelector(`img.${name}`).naturalWidth === width)"


@pytest.fixture
def tabs(page, tmp_path):
    """Two tabs: the first shows a.png, 160 pixels wide, the second b.png, 200 pixels wide."""
    for name, width in (("a.png", 160), ("b.png", 200)):
        landscape(width, 120).convert("L").save(tmp_path / name)
    upload(page, tmp_path / "a.png", tmp_path / "b.png")
    said(page, "b.png is coloured")
    choose(page, "a.png")
    other = page.context.new_page()
    other.goto(page.url)
    said(other, "a.png is coloured")
    choose(other, "b.png")
    return page, other


def said(page, text):
    page.wait_for_function("text => document.querySelector('.status')?.textContent === text", arg=text)


def choose(page, name):
    page.get_by_role("button", name=name, exact=True).click()
    said(page, f"{name} is coloured")


def pressed(page):
    return page.locator(".chosen[aria-pressed=true]").all_text_contents()


def test_pictures_downloads_and_colours_are_those_of_the_photograph_that_the_tab_shows(tabs):
    one, other = tabs
    assert picture(one).shape[1] == picture(one, "grey").shape[1] == 160
    assert saved(one, ".save")[0] == "a-coloured.png"
    assert Image.open(io.BytesIO(saved(one, ".save-pair")[1])).width == 320
    one.locator(".aiming").check()
    changed(one, lambda: one.locator(".target").click(position={"x": 50, "y": 50}))
    assert pressed(one) == ["a.png"] and one.locator(".mark").count() == 1
    choose(other, "b.png")
    assert other.locator(".mark").count() == 0
    changed(one, lambda: one.click(".undo"))
    assert pressed(one) == ["a.png"] and one.locator(".mark").count() == 0


def test_controls_are_for_the_photograph_that_the_tab_shows(tabs):
    one, _ = tabs
    changed(one, lambda: one.get_by_role("radio", name="Samples").check())
    assert pressed(one) == ["a.png"] and picture(one).shape[1] == 160
    for do in (lambda: one.locator(".sample").nth(2).click(), lambda: one.click(".another")):
        choose(tabs[1], "b.png")
        changed(one, do)
        assert pressed(one) == ["a.png"] and picture(one).shape[1] == 160


def test_a_choice_in_another_tab_while_the_pictures_come_changes_no_picture(tabs):
    one, other = tabs
    choose(one, "b.png")
    waiting = []
    one.route("**/picture/**", lambda route: waiting.append(route))
    one.get_by_role("button", name="a.png", exact=True).click()
    while len(waiting) < 2:
        one.wait_for_timeout(20)
    choose(other, "a.png")
    choose(other, "b.png")
    for each in waiting:
        each.continue_()
    said(one, "a.png is coloured")
    one.wait_for_function(SHOWN, arg=160)


def test_the_photograph_that_was_chosen_last_is_shown_though_python_answers_in_another_order(tabs, monkeypatch):
    one, asked, released, plain = tabs[0], [], threading.Event(), Calls._of
    choose(one, "b.png")

    def late(call, event, request, work):
        asked.append(event.of)
        if len(asked) == 1:
            assert released.wait(60)
        return plain(call, event, request, work)

    monkeypatch.setattr(Calls, "_of", late)
    one.get_by_role("button", name="a.png", exact=True).click()
    while not asked:
        one.wait_for_timeout(20)
    choose(one, "b.png")
    released.set()
    one.wait_for_timeout(1500)
    assert len(asked) == 3  # the page asks again
    assert one.locator(".status").text_content() == "b.png is coloured" and pressed(one) == ["b.png"]
    one.wait_for_function(SHOWN, arg=200)


def test_a_grey_picture_that_did_not_come_is_asked_for_again(tabs):
    one, _ = tabs
    one.route("**/picture/grey**", lambda route: route.abort())
    choose(one, "b.png")
    one.unroute("**/picture/grey**")
    choose(one, "b.png")
    one.wait_for_function(SHOWN, arg=200)


def test_a_photograph_that_another_tab_has_removed_is_a_line_and_the_tab_shows_one_that_is_open(tabs):
    one, other = tabs
    source = one.locator("img.colour").get_attribute("src")
    choose(other, "a.png")
    other.click(".remove")
    said(other, "b.png is coloured")
    assert one.request.get(f"{one.url.rstrip('/')}{source}").status == 422
    one.locator(".aiming").check()
    one.locator(".target").click(position={"x": 50, "y": 50})
    said(one, "b.png is coloured")
    assert "no longer open" in one.locator(".alert").text_content()
    assert one.locator(".mark").count() == 0
    one.wait_for_function(SHOWN, arg=200)
