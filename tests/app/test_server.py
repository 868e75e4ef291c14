"""The page's life as a command: its address, its private folder, and how signals end it."""

import re
import signal
import stat
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from colourize.app import server
from colourize.errors import InputError
from tests.faults.processes import Process

ADDRESS = re.compile(r"the page is at (http://127\.0\.0\.1:\d+)")


def in_folder(folder):
    """Temporary files of the process go below ``folder``; a download takes a minute."""
    import tempfile

    from colourize.inference import photo

    def slow(job, *rest):
        (folder / "begun").touch()
        time.sleep(60)

    tempfile.tempdir = str(folder)
    photo.run = slow


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_page_in_mid_work_and_its_folder_goes(signum, tmp_path):
    below = tmp_path / "temporary"
    below.mkdir()
    process = Process("--no-browser", "--port", "0", "--device", "cpu", cwd=tmp_path, verb="app",
                      probe=in_folder, given=(below,))  # fmt: skip
    try:
        process.wait_for(lambda: ADDRESS.search(process.stderr()))
        (folder,) = below.glob("colourize-app-*")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with urllib.request.urlopen(ADDRESS.search(process.stderr())[1], timeout=60) as answer:
            assert answer.status == 200 and b"colourize" in answer.read()
        with httpx.Client(base_url=ADDRESS.search(process.stderr())[1], timeout=60) as browser:
            browser.get("/")
            Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
            browser.post("/photographs", content=(tmp_path / "a.png").read_bytes()).raise_for_status()
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(browser.get, "/download/coloured")
                process.wait_for(lambda: (below / "begun").exists())
                process.signal(signum)
                assert waiting.result().status_code == 500
        assert process.wait(60) == 128 + signum
    finally:
        process.kill()
    assert list(below.glob("colourize-app-*")) == []
    assert "Traceback" not in process.stdout() + process.stderr()


def test_a_port_that_another_program_has_is_one_line():
    with server.bound("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1:{port} cannot be used .*; pass another --port"):
            server.bound("127.0.0.1", port)
