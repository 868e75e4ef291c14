"""Hostile visitors of the real server: Gradio and our own addresses, on a real socket."""

import socket
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from colourize.app import page, server, sessions
from colourize.app.settings import Settings
from colourize.private import gradio as private
from tests.app.conftest import served
from tests.drawn_pictures import encoded, landscape


def jpeg(width=60, height=40):
    return encoded(landscape(width, height), "JPEG")


@pytest.fixture
def visit(address):
    """Opens the page as a new visitor."""
    opened = []

    def made():
        opened.append(httpx.Client(base_url=address, timeout=60))
        opened[-1].get("/").raise_for_status()
        return opened[-1]

    yield made
    for each in opened:
        each.close()


def sent(browser, text):
    """A connection on which a visitor has sent some bytes after its cookie."""
    where = urllib.parse.urlsplit(str(browser.base_url))
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    first, rest = text.split("\n", 1)
    made = socket.create_connection((where.hostname, where.port))
    made.sendall(f"{first}\r\nHost: {where.netloc}\r\nCookie: {cookies}\r\n{rest}".encode())
    return made


def half(browser):
    return sent(browser, "POST /photographs HTTP/1.1\nContent-Length: 1000\r\n\r\nabc")


def uploaded(browser, name="a.jpg", content=None):
    return browser.post("/photographs", content=content or jpeg(), headers={"x-name": name})


def answered(call, *given):
    """The answer of a call, which is repeated while the page is busy with what earlier tests sent."""
    answers = []
    wait_for(lambda: answers.append(call(*given)) or answers[-1].status_code != 503)
    return answers[-1]


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_half_uploads_hold_up_nobody_and_leave_no_file(visit, folder):
    slow, other = visit(), visit()
    waiting = [half(slow) for _ in range(6)]
    wait_for(lambda: len(list((folder / "visitors").glob("*/*"))) >= 6)
    assert uploaded(other).status_code == 200 and other.get("/picture/colour").status_code == 200
    for each in waiting:
        each.close()
    (own,) = (folder / "visitors").glob("*/*/a.jpg")
    wait_for(lambda: list((folder / "visitors").glob("*/*")) == [own.parent])


def test_many_quick_uploads_are_taken_or_refused_and_the_next_visitor_is_answered(visit):
    hog, other = visit(), visit()
    with ThreadPoolExecutor(24) as pool:
        many = [pool.submit(uploaded, hog) for _ in range(100)]
        assert uploaded(other).status_code == 200
    assert {each.result().status_code for each in many} <= {200, 422, 503}


def test_nobody_gets_the_file_of_another_visitor_by_guessing_its_url(visit, folder):
    one, two = visit(), visit()
    number = answered(uploaded, one, "secret.jpg").text
    (path,) = (folder / "visitors").glob("*/*/secret.jpg")
    for browser in (one, two):
        for url in (
            f"/gradio_api/file={path}", f"/file={path}", f"/gradio_api/file/{path}", f"/picture/{number}", f"{path}",
            f"/static/..%2f..%2f..{path}", f"/download/{number}", f"/gradio_api/stream/{path}", f"/theme.css/..{path}",
            f"/gradio_api/proxy={one.base_url}picture/colour", "/picture/..%2fsecret.jpg",
        ):  # fmt: skip
            assert answered(browser.get, url).status_code in (404, 422)
    own = f"?of={path.parent.name}"
    for place in ("/picture/colour", "/download/coloured", f"/picture/colour{own}", f"/download/coloured{own}"):
        assert answered(two.get, place).status_code == 422
        assert answered(one.get, place).status_code == 200


def test_the_page_learns_whether_the_server_still_has_its_photographs(visit):
    one, two = visit(), visit()
    number = answered(uploaded, one).json()["desk"]
    assert answered(one.get, "/visit").json() == {"desk": number} and answered(two.get, "/visit").json() == {"desk": ""}
    one.cookies.clear()
    assert answered(one.get, "/visit").status_code == 403


def bomb(form, mode, size):
    return encoded(Image.new(mode, size), form, **({"compression": "group4"} if form == "tiff" else {}))


def test_decompression_bombs_are_one_line(visit):
    browser, size = visit(), (12_000, 11_000)
    gif = bytearray(bomb("gif", "L", (1, 1)))
    gif[6:10] = b"\xff\xff\xff\xff"  # 65535 x 65535
    for form, content in (("tiff", bomb("tiff", "1", size)), ("png", bomb("png", "1", size)), ("gif", bytes(gif))):
        answer = answered(uploaded, browser, f"a.{form}", content)
        assert len(content) < 100_000 and answer.status_code == 422
        assert "\n" not in answer.text and "start colourize app with --max-pixels" in answer.text


def test_a_download_that_is_cut_leaves_no_file(visit, folder):
    browser = visit()
    noise = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900), dtype=np.uint8)))
    answered(uploaded, browser, "noise.png", noise).raise_for_status()
    waiting = [sent(browser, "GET /download/coloured HTTP/1.1\n\r\n") for _ in range(2)]
    for each in waiting:
        assert each.recv(100).startswith(b"HTTP/1.1 200")
        each.close()
    wait_for(lambda: not list((folder / "visitors").glob("*/download*")))


def test_calls_with_forged_files_and_values_neither_reach_a_file_nor_end_the_server(visit):
    browser = visit()
    calls = {each["id"]: len(each["inputs"]) for each in browser.get("/config").json()["dependencies"]}
    values = {"path": "/etc/passwd"}, "/etc/passwd", None, {}, [], 1e308, True
    for number, count in calls.items():
        for value in values:
            given = {
                "fn_index": number,
                "data": [value] * count,
                "session_hash": "hostile",
                "event_data": {"id": value},
            }
            assert browser.post("/gradio_api/queue/join", json=given).status_code in (200, 403, 503)
    with browser.stream("GET", "/gradio_api/queue/data", params={"session_hash": "hostile"}) as stream:
        text = "".join(iter(stream.iter_text()))
    assert "close_stream" in text and "root:" not in text
    assert uploaded(browser).status_code == 200


def test_what_a_visitor_breaks_is_one_line_for_the_owner(visit, caplog, capfd):
    browser = visit()
    half(browser).close()
    for index, data in enumerate(browser.get("/config").json()["dependencies"]):
        for value in ("x" * 5000, None, [1], {"a": 1}):
            given = {"fn_index": index, "data": [value] * len(data["inputs"]), "session_hash": "broken"}
            browser.post("/gradio_api/queue/join", json={**given, "event_data": 5})
    with browser.stream("GET", "/gradio_api/queue/data", params={"session_hash": "broken"}) as stream:
        assert "close_stream" in "".join(iter(stream.iter_text()))
    wait_for(lambda: any("a request failed: " in record.getMessage() for record in caplog.records))
    assert not any(record.exc_info for record in caplog.records)
    assert max(len(record.getMessage()) for record in caplog.records) < 400
    assert "Traceback" not in "".join(capfd.readouterr())
    answer = browser.get("/download/nothing")
    assert (answer.status_code, answer.text) == (404, "the page has nothing at this path")


def test_what_gradio_keeps_of_a_page_goes_once_it_is_closed(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(page, "built", lambda *given, real=page.built: made.append(real(*given)) or made[0])
    monkeypatch.setattr(server, "CLEANING", 0.05)
    with served(tmp_path / "app", Settings()) as address, httpx.Client(base_url=address) as browser:
        browser.get("/").raise_for_status()
        number, count = next(
            (each["id"], len(each["inputs"])) for each in browser.get("/config").json()["dependencies"]
        )
        for name in "abc":
            given = {"fn_index": number, "data": [None] * count, "session_hash": name}
            assert browser.post("/gradio_api/queue/join", json=given).status_code == 200
        assert private.sessions(made[0]) == {"a", "b", "c"}
        monkeypatch.setattr(sessions, "LEFT", 0.0)  # not before: on a busy machine the calls may take a while
        wait_for(lambda: not private.sessions(made[0]))
        assert not private.events(made[0])
