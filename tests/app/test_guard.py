"""What the guard refuses, without a server."""

import base64

import pytest

from colourize.app.guard import CLOSED, UPLOAD, Rules, refusal, visitor_of

LOCAL = Rules(7860, largest=1000)
HOST = {"host": "127.0.0.1:7860"}


def basic(text):
    return {"host": "photos.example", "authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860"])
def test_this_machine_is_answered(host):
    for origin in ({}, {"origin": f"http://{host}"}):
        assert refusal("POST", UPLOAD, {"host": host, "content-length": "1000", **origin}, LOCAL) is None


@pytest.mark.parametrize(
    ("status", "path", "headers"),
    [
        (403, "/", {"host": "evil.example"}),  # a name that leads to 127.0.0.1
        (403, "/", {}),
        (403, "/", {**HOST, "origin": "http://evil.example"}),
        (403, "/", {**HOST, "origin": "null"}),
        (403, "/", {**HOST, "origin": "http://127.0.0.1:9999"}),
        (403, UPLOAD, {**HOST, "sec-fetch-site": "cross-site"}),
        (403, "/static/../../etc/passwd", HOST),
        (403, "/static/..\\secret", HOST),
        (413, UPLOAD, {**HOST, "content-length": "1001"}),
        (413, "/gradio_api/queue/join", {**HOST, "content-length": str(2 << 20)}),
        (413, UPLOAD, {**HOST, "content-length": "-1"}),
        *((403, path, HOST) for path in CLOSED),
    ],
)
def test_what_no_visitor_sends_is_refused(status, path, headers):
    found = refusal("POST", path, headers, LOCAL)
    assert found is not None and found.status == status and "\n" not in found.text


def test_with_a_password_only_those_who_know_it_are_answered():
    rules = Rules(7860, any_host=True, password="geheim: ü")
    assert refusal("GET", "/", basic("any:geheim: ü"), rules) is None
    for headers in ({"host": "photos.example"}, basic("any:falsch"), basic("geheim: ü"), basic("any:"),
                    {"authorization": "Basic !"}, {"authorization": "Bearer geheim: ü"}):  # fmt: skip
        found = refusal("GET", "/", headers, rules)
        assert found is not None and found.status == 401 and dict(found.headers)["www-authenticate"].startswith("Basic")
    assert "geheim" not in repr(rules)


def test_a_visitor_is_known_only_by_a_secret_of_our_form():
    secret = "a-_4" * 8
    assert visitor_of(f"x=1; colourize-7860={secret}", 7860) == secret
    for cookies in ("", f"colourize-7861={secret}", "colourize-7860=short", f"colourize-7860={secret[:-1]}/"):
        assert visitor_of(cookies, 7860) is None
