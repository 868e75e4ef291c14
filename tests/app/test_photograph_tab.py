"""The tab of photographs in a browser: upload, comparison, and where the page's requests go."""

import io
import shlex
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from colourize.app import shown
from colourize.app.networks import Networks
from colourize.cli.main import main
from tests.accessibility import findings, set_scheme
from tests.app.browsing import changed, picture, saved, upload
from tests.drawn_pictures import landscape

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "garden.jpg"
    landscape(320, 240).convert("L").save(path)
    return path


def test_an_upload_is_shown_in_colour_and_every_request_goes_to_this_machine(page, photo, address):
    upload(page, photo)
    assert np.ptp(picture(page), axis=2).max() > 15
    assert np.ptp(picture(page, "grey"), axis=2).max() == 0
    assert page.asked and all(url.startswith((address, "data:", "blob:")) for url in page.asked)


def test_the_slider_moves_the_border_between_grey_and_coloured(page, photo):
    upload(page, photo)
    page.locator(".view .split").focus()
    for key, share in (("Home", "0%"), ("End", "100%")):
        page.keyboard.press(key)
        assert page.locator(".view .frame").evaluate("frame => frame.style.getPropertyValue('--at')") == share


def test_a_click_sets_a_colour_there_and_not_elsewhere_and_undo_takes_it_back(page, photo):
    upload(page, photo)
    before = picture(page)
    page.locator(".paint").fill("#c01818")
    page.locator(".aiming").check()
    box = page.locator(".frame").bounding_box()
    changed(page, lambda: page.mouse.click(box["x"] + 0.15 * box["width"], box["y"] + 0.9 * box["height"]))
    height, width = before.shape[:2]
    after = np.abs(picture(page) - before).sum(2)
    there = after[int(0.9 * height) - 3 : int(0.9 * height) + 3, int(0.15 * width) - 3 : int(0.15 * width) + 3]
    assert there.mean() > 60 and after[: height // 5, -width // 5 :].mean() < 6
    assert page.locator(".mark").count() == 1
    changed(page, lambda: page.click(".undo"))
    assert np.array_equal(picture(page), before)


def test_a_colour_can_be_set_by_keyboard(page, photo):
    upload(page, photo)
    page.locator(".aiming").focus()
    page.keyboard.press("Space")
    page.locator(".target").focus()
    for key in ("ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    changed(page, lambda: page.keyboard.press("Enter"))
    left, top = page.locator(".mark").evaluate("mark => [mark.style.left, mark.style.top].map(parseFloat)")
    assert abs(left - 48) < 0.5 and abs(top - 52) < 0.5


def test_saturation_zero_is_grey_and_the_download_is_that_of_the_command_beside_it(page, photo, monkeypatch, tmp_path):
    upload(page, photo)
    changed(page, lambda: page.get_by_role("radio", name="Vivid").check())
    number = page.get_by_label("number input for Saturation")
    changed(page, lambda: (number.fill("0"), number.press("Enter")))
    assert np.ptp(picture(page), axis=2).max() <= 6  # JPEG
    changed(page, lambda: (number.fill("1.4"), number.press("Enter")))
    name, content = saved(page, ".save")
    monkeypatch.chdir(photo.parent)
    monkeypatch.setattr(sys, "argv", shlex.split(page.locator(".command code").text_content()))
    main()
    assert name == "garden-coloured.jpg" and (photo.parent / name).read_bytes() == content
    pair = Image.open(io.BytesIO(saved(page, ".save-pair")[1]))
    assert pair.size == (640, 240)


def test_a_reload_loses_nothing(page, photo):
    upload(page, photo)
    changed(page, lambda: page.get_by_role("radio", name="Samples").check())
    changed(page, lambda: page.locator(".sample").nth(2).click())
    page.locator(".view .split").fill("25")
    before = picture(page)
    page.reload()
    page.wait_for_selector(".frame[data-version]")
    assert np.array_equal(picture(page), before)
    assert page.get_by_role("radio", name="Samples").is_checked()
    assert page.locator(".sample").nth(2).get_attribute("aria-pressed") == "true"
    assert page.locator(".view .split").input_value() == "25"
    assert page.locator(".view .frame").evaluate("frame => frame.style.getPropertyValue('--at')") == "25%"


def test_two_browsers_see_their_own_photographs_only(page, photo, browser, address):
    upload(page, photo)
    source = page.locator("img.colour").evaluate("image => image.src")
    other = browser.new_context()
    try:
        theirs = other.new_page()
        theirs.goto(address)
        theirs.wait_for_selector(".view .start:visible")
        assert theirs.request.get(source).status == 422  # their own desk is empty
        assert theirs.request.get(f"{address}/download/coloured").status == 422
        assert theirs.locator(".chosen").count() == 0
    finally:
        other.close()


def test_what_is_not_a_picture_is_a_line_that_says_what_to_do(page, tmp_path):
    (tmp_path / "notes.png").write_bytes(b"no picture")
    page.set_input_files(".view .start .file", str(tmp_path / "notes.png"))
    page.wait_for_selector(".alert:visible")
    assert "notes.png" in page.locator(".alert").text_content()
    assert page.locator(".start").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_before_and_after_an_upload(page, photo, scheme):
    set_scheme(page, scheme)
    assert findings(page) == []
    upload(page, photo)
    page.locator(".aiming").check()
    assert findings(page) == []


def test_a_narrow_page_has_one_column_and_needs_no_scrolling_to_the_side(page, photo):
    page.set_viewport_size({"width": 390, "height": 844})
    upload(page, photo)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    frame, panel = (page.locator(name).bounding_box() for name in (".frame", ".desk > .column:last-child"))
    assert frame["width"] > 300 and panel["width"] > 300 and panel["y"] > frame["y"] + frame["height"]


def test_the_keyboard_stays_where_it_was_and_no_list_stays_open_behind_it(page, photo):
    page.locator(".start .file").focus()
    upload(page, photo, photo)
    assert page.evaluate("document.activeElement.className") == "split"
    page.locator(".chosen").first.focus()
    changed(page, lambda: page.keyboard.press("Enter"))
    assert page.locator(".chosen").first.evaluate("button => button === document.activeElement")
    page.locator(".aiming").check()
    page.locator(".target").focus()
    changed(page, lambda: page.keyboard.press("Enter"))
    page.locator(".undo").focus()
    changed(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("document.activeElement.className") == "aiming"
    page.get_by_label("Format of the download", exact=True).focus()
    page.locator("ul[role=listbox]").first.wait_for()
    page.keyboard.press("Tab")
    page.locator("ul[role=listbox]").first.wait_for(state="hidden")


def test_an_answer_that_is_older_than_the_upload_but_comes_after_it_does_not_hide_the_photograph(
    photo, address, monkeypatch, request
):
    answers, released, plain, about = [], threading.Event(), shown.text, Networks.about

    def text(desk, error=""):
        answers.append(len(desk.photographs))
        return plain(desk, error)

    def late(networks, name):  # after the text of the page's load
        assert released.wait(60)
        return about(networks, name)

    monkeypatch.setattr(shown, "text", text)
    monkeypatch.setattr(Networks, "about", late)
    page = request.getfixturevalue("page")
    while not answers:
        page.wait_for_timeout(20)
    upload(page, photo)
    monkeypatch.setattr(Networks, "about", about)
    released.set()
    while len(answers) < 3 and page.locator(".frame").is_visible():  # the page asks again
        page.wait_for_timeout(20)
    assert answers[:2] == [0, 1]
    assert page.locator(".frame").is_visible() and page.locator(".chosen").count() == 1
