"""Hostile requests against the guard, with a small page behind it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from colourize.app import guard as guards
from colourize.app import messages
from colourize.app.guard import Guard, Rules, visitor_of
from colourize.app.password import Password
from colourize.app.sessions import LEFT, Sessions
from tests.asgi import PORT, Browser, Page, visits


def test_a_session_belongs_to_the_visitor_who_named_it_first() -> None:
    async def story(one: Browser, two: Browser) -> None:
        assert await one.event(session_hash="abc") == 200
        assert await two.event(session_hash="abc") == 403
        assert (await two.get("/gradio_api/queue/data?session_hash=abc")).status_code == 403
        assert (await two.get("/gradio_api/heartbeat/abc")).status_code == 403
        assert await two.event(session_hash=7) == 400

    visits(story, people=2)


def test_without_the_cookie_of_a_visit_there_is_nothing() -> None:
    async def story(browser: Browser) -> None:
        browser.cookies.clear()
        for cookie in ("", "colourize-7000=guess", f"colourize-1={'a' * 32}", f"colourize-7000={'é' * 32}", "\x01=;;"):
            answer = await browser.post("/photographs", content=b"x", headers=[(b"cookie", cookie.encode())])
            assert answer.status_code == 403

    assert visits(story).paths == ["/"]


def test_a_body_above_the_limit_is_refused_unread_if_announced_and_while_read_if_not() -> None:
    sent = []

    async def endless() -> AsyncIterator[bytes]:
        for number in range(500):
            sent.append(number)
            yield b"\0" * 1_000_000

    async def story(browser: Browser) -> None:
        announced = await browser.post("/photographs", headers={"content-length": "500000000"})
        assert announced.status_code == 413 and "10 MB" in announced.text
        streamed = await browser.post("/photographs", content=endless())
        assert streamed.status_code == 413
        for lie in ("-1", "1e3", "", "9" * 30):
            assert (
                await browser.post("/photographs", content=b"x", headers={"content-length": lie})
            ).status_code == 400
        assert (await browser.post("/photographs", content=b"x")).content == b"x"

    page = visits(story, largest=10_000_000)
    assert page.paths == ["/", "/photographs", "/photographs"]
    assert len(sent) <= 12


def test_an_event_above_a_megabyte_or_without_json_is_refused() -> None:
    async def story(browser: Browser) -> None:
        assert await browser.event(data="x" * (1 << 20)) == 413
        for body in (b"{", b"[" * 100_000, b"\xff\xfe"):
            assert (await browser.post("/gradio_api/queue/join", content=body)).status_code == 400

    visits(story)


def test_too_many_open_requests_are_refused_and_others_answered() -> None:
    async def story(browser: Browser) -> None:
        slow = [browser.post("/photographs", content=b"x") for _ in range(400)]
        statuses = [answer.status_code for answer in await asyncio.gather(*slow)]
        assert set(statuses) <= {200, 503} and 200 in statuses
        assert (await browser.get("/")).status_code == 200

    visits(story)


def test_an_open_page_keeps_its_visitor() -> None:
    seen: list[str] = []

    async def played() -> None:
        browser = Browser(Guard(Page(), Rules(PORT), seen.append))
        await browser.get("/")
        await browser.get("/gradio_api/heartbeat/abc")
        assert set(seen) == {browser.cookies["colourize-7000"]}

    asyncio.run(played())


def test_a_password_is_asked_for_before_everything() -> None:
    async def story(browser: Browser) -> None:
        for path in ("/", "/assets/x.js", "/config"):
            answer = await browser.get(path)
            assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic")
        assert (await browser.get("/", auth=("x", "correct horse battery"))).status_code == 200
        assert (await browser.get("/", auth=("x", "wrong"), headers={"host": "any.example"})).status_code == 401

    page = visits(story, password=Password("correct horse battery"), any_host=True)
    assert page.paths == ["/"]


def test_the_page_believes_no_proxy_and_its_answers_carry_the_headers_of_a_safe_page() -> None:
    async def story(browser: Browser) -> None:
        answer = await browser.get("/config", headers={"x-forwarded-host": "evil.example", "x-gradio-user": "a"})
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers

    assert not [name for name in visits(story).headers if name.startswith("x-")]


def test_a_body_that_stops_is_ended() -> None:
    async def never() -> messages.Message:
        await asyncio.sleep(60)
        return {}

    async def ended() -> None:
        body = messages.Body(never, 10, lambda: None, patience=0.05)
        with pytest.raises(messages.RefusedError, match="send it again"):
            await body()

    asyncio.run(ended())


def test_web_sockets_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(Page(), Rules(PORT))({"type": "websocket", "path": "/"}, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_visitor_is_known_only_by_a_secret_of_our_form() -> None:
    secret = "a-_4" * 8
    assert visitor_of(f"x=1; colourize-7860={secret}", 7860) == secret
    for cookies in ("", f"colourize-7861={secret}", "colourize-7860=short", f"colourize-7860={secret[:-1]}/"):
        assert visitor_of(cookies, 7860) is None


def test_a_body_that_is_much_too_slow_is_ended_and_the_page_s_own_time_does_not_count(monkeypatch: Any) -> None:
    monkeypatch.setattr(messages, "SLOWEST", 1000)

    async def trickle() -> messages.Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def quick() -> messages.Message:
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def ended() -> None:
        body = messages.Body(trickle, 10_000, lambda: None, patience=0.1)
        with pytest.raises(messages.RefusedError, match="send it again"):
            await body.whole()
        body = messages.Body(quick, 10_000, lambda: None, patience=0.1)
        for _ in range(20):
            await body()
            await asyncio.sleep(0.01)

    asyncio.run(ended())


def test_an_answer_that_nobody_takes_is_ended() -> None:
    async def full(message: messages.Message) -> None:
        await asyncio.sleep(60)

    async def ended() -> None:
        with pytest.raises(messages.LeftError):
            await messages.Answer(full, patience=0.05)({"type": "http.response.body", "body": b"x"})

    asyncio.run(ended())


def test_one_visitor_cannot_take_all_requests_that_may_be_open() -> None:
    async def slow() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.3)
        yield b"x"

    async def story(hog: Browser, other: Browser) -> None:
        many = asyncio.gather(*[hog.post("/photographs", content=slow()) for _ in range(200)])
        await asyncio.sleep(0.1)
        answers = asyncio.gather(*[other.post("/photographs", content=b"y") for _ in range(10)])
        assert {answer.status_code for answer in await answers} == {200}
        assert {answer.status_code for answer in await many} == {200, 503}

    visits(story, people=2)


def test_a_call_that_the_page_does_not_have_is_refused() -> None:
    page = Page()

    async def played() -> None:
        browser = Browser(Guard(page, Rules(PORT), inputs={0: 2, 1: 0}))
        await browser.get("/")
        assert await browser.event(fn_index=0, data=[1, 2]) == await browser.event(fn_index=1, data=[]) == 200
        for number, data in ((0, [1]), (2, []), (-1, []), ("0", [1, 2]), (True, []), (None, []), (1, {}), ([], [])):
            assert await browser.event(fn_index=number, data=data) == 400
        for value in ([], "x", None, 3):
            assert (await browser.post("/gradio_api/queue/join", json=value)).status_code == 400

    asyncio.run(played())
    assert page.paths == ["/"] + 2 * ["/gradio_api/queue/join"]


def test_calls_whose_results_nobody_takes_are_limited_for_a_visitor_and_for_all(monkeypatch: Any) -> None:
    monkeypatch.setattr(guards, "EACH_EVENTS", 5)
    monkeypatch.setattr(guards, "MOST_EVENTS", 8)
    waiting: dict[str, int] = {}

    async def played() -> None:
        guard = Guard(Page(), Rules(PORT), events=lambda: waiting)
        one, two = Browser(guard), Browser(guard)
        for browser, name in ((one, "a"), (two, "b")):
            await browser.get("/")
            assert await browser.event(session_hash=name) == 200
        waiting.update(a=5)
        assert (await one.event(session_hash="a"), await one.event(session_hash="c")) == (503, 503)
        assert await two.event(session_hash="b") == 200
        waiting.update(a=5, b=3)
        assert await two.event(session_hash="b") == 503

    asyncio.run(played())


def test_a_session_is_left_a_while_after_its_last_stream() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    assert sessions.is_left("unknown")
    sessions.claim("visitor", "a")
    with sessions.streaming("a"), sessions.streaming("a"):
        now[0] = 1000
        assert not sessions.is_left("a")
    assert not sessions.is_left("a")
    now[0] += LEFT
    assert sessions.is_left("a")
