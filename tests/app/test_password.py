"""The password of a page that other machines can reach."""

import base64
import io
from pathlib import Path

import pytest

from colourize.app.password import Password, asked
from colourize.app.rules import RefusedError
from colourize.errors import InputError


def basic(text: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_any_name_with_the_password_is_let_in() -> None:
    for given in ("x:päss word: with colon", ":päss word: with colon"):
        Password("päss word: with colon").check(basic(given))


@pytest.mark.parametrize(
    "headers",
    [{}, basic(""), basic("x"), basic("x:"), basic("x:wrong"), basic("secret secret"), {"authorization": "Basic §"},
     {"authorization": "Bearer secret secret"}, {"authorization": "Basic"}],
)  # fmt: skip
def test_everything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as refused:
        Password("secret secret").check(headers)
    assert refused.value.status == 401


def test_the_password_is_the_first_line_of_the_file_and_is_not_kept_as_text(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("correct horse battery\nsecond line\n")
    found = asked("0.0.0.0", False, tmp_path / "p")
    assert found is not None and "horse" not in str(vars(found))
    found.check(basic("me:correct horse battery"))


def test_this_machine_alone_requires_none() -> None:
    assert asked("127.0.0.1", True, None) is None


@pytest.mark.parametrize("content", [b"", b"\nsecret secret", b"short", b"x" * 2000, b"x" * 10_000])
def test_an_empty_short_or_huge_one_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(InputError, match="password|4,096 bytes"):
        asked("0.0.0.0", False, tmp_path / "p")


def test_without_file_or_terminal_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(InputError, match="--password-file FILE"):
        asked("0.0.0.0", False, None)
    with pytest.raises(InputError, match="first line is the password"):
        asked("0.0.0.0", False, tmp_path / "none")
