"""``hf://USER/NAME``: networks on the Hugging Face Hub, through ``huggingface_hub`` (extra ``hub``).

A network there is three files: ``model.safetensors`` (``runs.weights``), ``config.json`` and ``README.md``. Only the
first is read, like any file from a stranger. Login and cache are those of the library.
"""

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from colourize import __version__, files
from colourize.errors import InputError, one_line, to_install

log = logging.getLogger(__name__)
PREFIX, WEIGHTS, CONFIG, CARD = "hf://", "model.safetensors", "config.json", "README.md"
HOME = "https://huggingface.co"
TIMEOUT = 10  # seconds to wait for the server's first answer
PART = r"[A-Za-z0-9](?:[\w.-]{0,94}[\w])?"
ADDRESS = re.compile(rf"({PART}/{PART})(?:@([\w./-]{{1,100}}))?")


def named(path: str | Path) -> str | Path:
    """The path itself; for an address ``hf://USER/NAME`` or ``hf://USER/NAME@REVISION`` the downloaded weights.

    Raises:
        InputError: as ``downloaded``.
    """
    text = os.fspath(path)
    return downloaded(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else path


def downloaded(address: str) -> Path:
    """The weights of USER/NAME or USER/NAME@REVISION in the library's cache, which is used alone without a network.

    Raises:
        InputError: not an address, no such network, no network connection, or more than 4 GiB.
    """
    from colourize.runs import weights  # late: imports torch, which an exported network does not need

    repo, revision = _parts(address)
    library = _library()
    with _explained(address):
        try:
            url = library.hf_hub_url(repo, WEIGHTS, revision=revision, endpoint=endpoint())
            found = library.get_hf_file_metadata(url, timeout=TIMEOUT, endpoint=endpoint())
        except Exception as error:  # the library's own download would try for half a minute
            kept = library.try_to_load_from_cache(repo, WEIGHTS, revision=revision)
            if not _is_unreachable(error) or not isinstance(kept, str):
                raise
            log.warning("%s cannot be reached; the copy of an earlier download is used", endpoint())
            return Path(kept)
        if (found.size or 0) > weights.LARGEST:
            raise InputError(f"{PREFIX}{address} must have <= {weights.LARGEST:,} bytes, got {found.size:,}")
        return Path(library.hf_hub_download(repo, WEIGHTS, revision=revision, endpoint=endpoint()))


def upload(repo: str, contents: Mapping[str, bytes], message: str, private: bool = False) -> str:
    """Writes files to USER/NAME, which is created if missing, in one commit; returns its address.

    Raises:
        InputError: not an address, not logged in, no network connection, or the hub refuses.
    """
    check_name(repo)
    library = _library()
    with _explained(repo):
        api = library.HfApi(endpoint=endpoint(), library_name="colourize", library_version=__version__)
        api.create_repo(repo, private=private or None, exist_ok=True)
        added = [library.CommitOperationAdd(name, content) for name, content in contents.items()]
        api.create_commit(repo, added, commit_message=message)
    return f"{endpoint()}/{repo}"


def endpoint() -> str:
    """The address of the hub: ``HF_ENDPOINT``, or Hugging Face's own."""
    return os.environ.get("HF_ENDPOINT", HOME).rstrip("/")


def check_name(repo: str) -> None:
    """Raises InputError if a text is not USER/NAME, or the library is not installed."""
    if _parts(repo)[1] is not None:
        raise InputError(f"a network is pushed to USER/NAME, got {files.printable(repo)}; leave out the revision")
    _library()


def _parts(address: str) -> tuple[str, str | None]:
    found = ADDRESS.fullmatch(address)
    if found is None or ".." in address or "--" in found[1]:
        raise InputError(f"a network on the hub must be USER/NAME, such as hf://me/horses, got {address[:120]!r}")
    return found[1], found[2]


def _library() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise InputError(f"hf:// requires huggingface_hub: {to_install('hub')}") from error
    return huggingface_hub


def _is_unreachable(error: BaseException) -> bool:
    """Whether the server did not answer. The library's HTTP client has changed before, so its errors go by name."""
    names = {each.__name__ for each in type(error).__mro__}
    return bool(names & {"ConnectError", "TimeoutException", "ConnectionError", "NetworkError", "ProxyError"})


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turns every error of the library into one line; it and its HTTP client raise dozens of types."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{PREFIX}{address}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    names = {each.__name__ for each in type(error).__mro__}
    if _is_unreachable(error):
        return f"{endpoint()} cannot be reached ({one_line(error)[:120]}); check the network, or pass a file"
    if "LocalTokenNotFoundError" in names or getattr(getattr(error, "response", None), "status_code", 0) == 401:
        return "there is no such public network, or you are not logged in; check the name, or log in: hf auth login"
    if "RepositoryNotFoundError" in names:
        return "there is no such network; check the name"
    if "RevisionNotFoundError" in names:
        return "there is no such revision; check the name after @"
    if "EntryNotFoundError" in names:
        return f"contains no {WEIGHTS}, which colourize push writes; pass another network"
    return f"{one_line(error)[:300]} ({type(error).__name__})"
