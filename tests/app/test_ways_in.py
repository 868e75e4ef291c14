"""Ways of a photograph to the page: drag and drop, the clipboard, a camera; and a network that takes given colours."""

import base64
import shlex
import sys

import numpy as np
import pytest

from colourize.app.settings import Settings
from colourize.cli.main import main
from colourize.tasks.chosen import train
from tests.app.browsing import changed, picture, saved, upload
from tests.conftest import QUICK, knobs
from tests.drawn_pictures import landscape

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained_with_hints(tmp_path_factory, shared_cache):
    """Folder of a short run whose network takes given colours."""
    folder = tmp_path_factory.mktemp("hinted")
    train(knobs(*QUICK, "model=resunet_small", "hints=true", "max_epochs=1", f"cache_dir={shared_cache}"), folder)
    return folder


@pytest.fixture(scope="module")
def page_settings(trained_with_hints):
    return Settings(models=("shipped", str(trained_with_hints)))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for name, width in (("one.png", 160), ("two.png", 200)):
        landscape(width, 120).convert("L").save(folder / name)
    return [folder / "one.png", folder / "two.png"]


def names(page):
    return page.locator(".chosen").all_text_contents()


def drop(page, *paths, before_each=lambda: None):
    """Drags files over the page and drops them, as the browser gets it from the desktop."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        before_each()
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})


def test_one_photograph_and_then_several_are_dropped_on_the_page(page, photos):
    drop(page, photos[0])
    page.wait_for_selector(".frame[data-version]")
    assert names(page) == ["one.png"]
    changed(page, lambda: drop(page, *photos))
    assert names(page) == ["one.png", "one.png", "two.png"]
    assert np.ptp(picture(page), axis=2).max() > 15


def test_a_photograph_is_dropped_while_the_page_still_changes_under_the_pointer(page, photos):
    drop(
        page,
        photos[0],
        before_each=lambda: page.evaluate(
            "() => { const at = document.querySelector('.view .start'); at.replaceWith(at.cloneNode(true)); }"
        ),
    )
    page.wait_for_selector(".strip .chosen")
    assert names(page) == ["one.png"]


def test_what_is_no_photograph_or_too_large_is_refused_by_name_and_the_photograph_among_it_is_taken(
    page, photos, tmp_path
):
    (tmp_path / "film.mp4").write_bytes(b"\0" * 100)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder").mkdir()
    with (tmp_path / "huge.tif").open("wb") as file:
        file.truncate(200_000_001)
    drop(page, *tmp_path.iterdir(), photos[0])
    page.wait_for_selector(".frame[data-version]")
    text = page.locator(".alert").text_content()
    assert names(page) == ["one.png"]
    for part in (
        "film.mp4: a film", "notes.txt: not a picture", "empty.jpg: an empty file", "folder: a folder",
        "huge.tif: 201 MB, more than 200; save it smaller",
    ):  # fmt: skip
        assert part in text
    assert len([url for url in page.asked if url.endswith("/photographs")]) == 2  # the others are not sent


def test_a_picture_is_pasted_from_the_clipboard(page, photos):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async text => {
          const bytes = Uint8Array.from(atob(text), each => each.charCodeAt(0));
          await navigator.clipboard.write([new ClipboardItem({"image/png": new Blob([bytes], {type: "image/png"})})]);
        }""",
        base64.b64encode(photos[0].read_bytes()).decode(),
    )
    page.keyboard.press("Control+V")
    page.wait_for_selector(".frame[data-version]")
    assert picture(page, "grey").shape[:2] == (120, 160) and len(names(page)) == 1


def test_a_photograph_is_taken_with_the_camera_which_is_then_off_and_without_one_a_line_says_what_to_do(page):
    page.context.grant_permissions(["camera"])
    page.locator(".view .start .camera").click()
    page.wait_for_function("document.querySelector('.shutter video').videoWidth > 0")
    page.click(".shoot")
    page.wait_for_selector(".frame[data-version]")
    assert names(page) == ["camera.png"] and picture(page, "grey").std() > 5  # Chromium's test picture
    assert page.evaluate("document.querySelector('.shutter video').srcObject === null")
    assert not page.locator(".shutter").is_visible()
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('none'); }; }")
    page.locator(".view .strip .camera").click()
    page.wait_for_selector(".alert:visible")
    assert "choose a file" in page.locator(".alert").text_content()


def test_a_network_trained_with_hints_gets_the_clicked_colour_and_a_reload_keeps_it(
    page, photos, trained_with_hints, monkeypatch
):
    upload(page, photos[0])
    page.get_by_label("Network", exact=True).click()
    changed(page, lambda: page.get_by_role("option", name=str(trained_with_hints)).click())
    before = picture(page)
    page.locator(".paint").fill("#c01818")
    page.locator(".aiming").check()
    box = page.locator(".frame").bounding_box()
    changed(page, lambda: page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"]))
    after = np.abs(picture(page) - before).sum(2)
    assert after[80:100, 30:50].mean() > 3 * after[:30, 110:].mean() + 1
    page.reload()
    page.wait_for_selector(".frame[data-version]")
    assert page.locator(".mark").count() == 1
    assert page.get_by_label("Network", exact=True).input_value() == str(trained_with_hints)
    name, content = saved(page, ".save")
    monkeypatch.chdir(photos[0].parent)
    monkeypatch.setattr(sys, "argv", shlex.split(page.locator(".command code").text_content()))
    main()
    assert (photos[0].parent / name).read_bytes() == content
