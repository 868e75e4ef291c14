"""Seconds from the choice of a photograph to its colours on the page, in a browser.

python benchmarks/page_seconds.py PHOTOGRAPH [-n 7]

Starts a ``colourize app`` of its own. Scales the photograph to 4000 x 3000 pixels and uploads it ``n`` times, each time
after a reload; the first, which loads the network, stands apart. Requires playwright and the system's Chromium.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.page import browser_path, served

SIZE = 4000, 3000  # 12 megapixels
SHOWN = "() => ['colour', 'grey'].every(name => {const image = document.querySelector(`.view img.${name}`);\
 return image && image.complete && image.naturalWidth > 0 && document.querySelector('.frame[data-version]')})"


def seconds(page: Page, photograph: Path) -> float:
    """The time until both pictures are decoded in the browser."""
    page.wait_for_selector(".view .start")
    begin = time.monotonic()
    page.set_input_files(".view .start .file", str(photograph))
    page.wait_for_function(SHOWN, polling=20)
    return time.monotonic() - begin


def main() -> None:
    """Prints the first time and the median of the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photograph", type=Path)
    parser.add_argument("-n", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started, served() as (address, _):
        large = Path(folder) / "large.jpg"
        Image.open(given.photograph).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(large, quality=92)
        opened = started.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        measured = []
        for _ in range(given.n + 1):
            page = opened.new_page()
            page.goto(address)
            measured.append(seconds(page, large))
            page.close()
        opened.close()
    first, *warm = measured
    print(
        f"first {first:.2f} s, then median {statistics.median(warm):.2f} s"
        f" ({min(warm):.2f} to {max(warm):.2f}), load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
