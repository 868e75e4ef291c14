"""Networks on the Hugging Face Hub, which here is a server of this machine (``tests/hub_server.py``)."""

import json
import sys

import pytest
import torch
from huggingface_hub import constants
from PIL import Image

import colourize
from colourize.cli.main import main
from colourize.errors import InputError
from colourize.runs import hub
from tests.commands import refused
from tests.hub_server import serving

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the library's own upload


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub, to which this process is logged in, and an empty cache."""
    cache = tmp_path / "hub"
    for name, value in {"HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_XET": True, "HF_HUB_DISABLE_PROGRESS_BARS": True,
                        "HF_HUB_ETAG_TIMEOUT": 5}.items():  # fmt: skip
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    with serving() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        yield found


def test_a_pushed_run_is_loaded_with_the_same_scores(server, finished_run):
    assert colourize.push(finished_run, "me/horses", licence="CC0") == f"{server.address}/me/horses"
    files = server.repos["me/horses"]
    assert sorted(files) == ["README.md", "config.json", "model.safetensors"]
    card = files["README.md"].decode()
    assert card.startswith("---\nlibrary_name: colourize\n") and "--model hf://me/horses" in card and "CC0" in card
    assert json.loads(files["config.json"])["config"]["model"]["name"] == "convtranspose"
    grey = torch.rand(1, 1, 8, 8)
    with torch.no_grad():
        theirs, ours = (colourize.load(place)(grey) for place in ("hf://me/horses", finished_run))
    assert torch.equal(theirs, ours)
    assert not server.private


def test_a_revision_can_be_chosen_and_a_new_network_can_be_private(server, finished_run):
    colourize.push(finished_run, "me/secret", private=True)
    assert server.private == {"me/secret"}
    colourize.load("hf://me/secret@v1")
    assert any("/me/secret/resolve/v1/model.safetensors" in line for line in server.asked)
    with pytest.raises(InputError, match=r"^hf://me/secret@v2: there is no such revision; check the name after @$"):
        colourize.load("hf://me/secret@v2")


def test_without_a_network_an_earlier_download_is_used_and_otherwise_one_line_says_so(
    server, finished_run, away_after, caplog
):
    colourize.push(finished_run, "me/horses")
    first = colourize.load("hf://me/horses")
    away_after()
    assert torch.equal(colourize.load("hf://me/horses").palette, first.palette)
    assert "cannot be reached; the copy of an earlier download is used" in caplog.text
    for address in ("me/other", "me/horses@v1"):
        with pytest.raises(InputError, match=f"^hf://{address}: http://127.* cannot be reached .*check the network"):
            colourize.load(f"hf://{address}")
    with pytest.raises(InputError, match=r"^hf://me/new: http://127.* cannot be reached"):
        colourize.push(finished_run, "me/new")


@pytest.fixture
def away_after(server):
    """Stops the server."""

    def stop():
        server.shutdown()
        server.server_close()

    return stop


def test_a_stranger_s_file_goes_through_the_same_reader_as_any(server, monkeypatch):
    server.repos["bad/pickle"] = {"model.safetensors": b"\x80\x02cos\nsystem\n(S'touch x'\ntR."}
    with pytest.raises(InputError, match=r"is damaged or not a file of weights"):
        colourize.load("hf://bad/pickle")
    server.repos["bad/empty"] = {"pytorch_model.bin": b"x"}
    with pytest.raises(
        InputError, match=r"^hf://bad/empty: contains no model\.safetensors, which colourize push writes"
    ):
        colourize.load("hf://bad/empty")
    monkeypatch.setattr("colourize.runs.weights.LARGEST", 10)
    with pytest.raises(InputError, match=r"^hf://bad/pickle must have <= 10 bytes, got"):
        colourize.load("hf://bad/pickle")


def test_an_unknown_network_and_a_missing_login_are_one_line(server, finished_run, monkeypatch):
    with pytest.raises(InputError, match=r"^hf://me/nothing: there is no such network; check the name$"):
        colourize.load("hf://me/nothing")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    line = refused(monkeypatch, "push", str(finished_run), "me/horses")
    assert line.endswith("log in: hf auth login")


@pytest.mark.parametrize(
    "name", ["", "me", "me/", "/x", "a/b/c", "me/..", "me/a--b", "me/a b", "me/x@", "-a/b", "a/b\n"]
)
def test_what_is_not_user_and_name_is_refused_before_anything_is_asked(name, monkeypatch):
    monkeypatch.setattr(hub, "_library", lambda: pytest.fail("asked"))
    with pytest.raises(InputError, match="a network on the hub must be USER/NAME, such as hf://me/horses, got"):
        hub.downloaded(name)
    with pytest.raises(InputError, match="USER/NAME"):
        hub.upload("me/horses@v1", {}, "")


def test_without_the_library_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"^hf:// requires huggingface_hub: pip install '\.\[hub\]'"):
        colourize.load("hf://me/horses")


def test_other_paths_are_left_as_they_are(tmp_path):
    assert hub.named(tmp_path) is tmp_path and hub.named("outputs/hf") == "outputs/hf"


def test_a_photograph_is_coloured_with_a_network_of_the_hub(server, finished_run, tmp_path, monkeypatch):
    colourize.push(finished_run, "me/horses")
    Image.linear_gradient("L").resize((16, 16)).save(tmp_path / "grey.png")
    words = ["photo", str(tmp_path / "grey.png"), "-o", str(tmp_path / "out.png"), "--model", "hf://me/horses"]
    monkeypatch.setattr(sys, "argv", ["colourize", *words])
    main()
    with Image.open(tmp_path / "out.png") as image:
        assert image.mode == "RGB"
