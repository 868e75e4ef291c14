"""Requests that the page refuses for what their headers, paths or contents say."""

import pytest

from tests.asgi import HOME, Browser, visits


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7000",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "",
        "127.0.0.1@evil.example",
        "[::1",
        "127.0.0.1",
        "localhost:7001",
    ],
)
def test_a_foreign_host_reaches_nothing(host: str) -> None:
    async def story(browser: Browser) -> None:
        assert (await browser.get("/", headers={"host": host})).status_code == 421

    assert visits(story).paths == ["/"]


@pytest.mark.parametrize("host", ["127.0.0.1:7000", "localhost:7000", "LOCALHOST:7000", "[::1]:7000"])
def test_names_of_this_machine_reach_the_page(host: str) -> None:
    async def story(browser: Browser) -> None:
        assert (await browser.get("/", headers={"host": host})).status_code == 200

    visits(story)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:7001"},
        {"origin": "http://localhost:7000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_pages_of_other_sites_reach_nothing(headers: dict[str, str]) -> None:
    async def story(browser: Browser) -> None:
        assert (await browser.get("/config", headers=headers)).status_code == 403
        assert (await browser.post("/gradio_api/queue/join", json={}, headers=headers)).status_code == 403

    assert visits(story).paths == ["/"]


def test_its_own_origin_and_a_link_that_a_person_follows_reach_the_page() -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}

    async def story(browser: Browser) -> None:
        answer = await browser.get("/", headers=link)
        assert answer.status_code == 200 and "set-cookie" not in answer.headers
        assert (await browser.get("/download/coloured", headers=link)).status_code == 403
        own = {"origin": HOME, "sec-fetch-site": "same-origin"}
        assert (await browser.post("/gradio_api/queue/join", json={}, headers=own)).status_code == 200

    visits(story)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://127.0.0.1/", "/gradio_api/stream/1", "/gradio_api/call/colour",
        "/gradio_api/run/predict",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file//etc/passwd", "/gradio_api/upload", "/gradio_api/api/x",
        "/gradio_api/process_recording", "/gradio_api/vibe-edit",
        "/monitoring", "/login", "/openapi.json", "/docs", "/static/../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/static//etc/passwd", "/custom_component/1/x/y/z", "/gradio_api/heartbeat/../x", "//", "/svelte/..%2f..%2fetc",
    ],
)  # fmt: skip
def test_paths_that_the_page_does_not_use_reach_nothing(path: str) -> None:
    async def story(browser: Browser) -> None:
        for method in ("GET", "POST"):
            assert (await browser.request(method, f"{HOME}{path}")).status_code == 404

    assert visits(story).paths == ["/"]


@pytest.mark.parametrize("key", ["path", "url"])
@pytest.mark.parametrize("value", ["/etc/passwd", "../x", 3, ["/etc/passwd"], {"a": 1}, "http://127.0.0.1/"])
def test_a_call_must_not_name_a_file_at_any_depth(key: str, value: object) -> None:
    async def story(browser: Browser) -> None:
        assert await browser.event(data=[1, {key: None}]) == 200
        assert await browser.event(data=[[{"deep": {key: value}}]]) == 403

    visits(story)
