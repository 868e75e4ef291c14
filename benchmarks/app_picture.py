"""Takes the picture of the page for the README.

python benchmarks/app_picture.py ADDRESS PHOTOGRAPH -o docs/app.jpg

ADDRESS is that of a running ``colourize app``. Requires playwright and the system's Chromium.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.page import browser_path

SIZE = {"width": 1280, "height": 900}
WIDTH, QUALITY = 1000, 90  # pixels of the picture, and of JPEG


def taken(address: str, photograph: Path) -> bytes:
    """The page with a coloured photograph, as PNG."""
    path = browser_path()
    with sync_playwright() as started, started.chromium.launch(executable_path=path, args=["--no-sandbox"]) as opened:
        return taken_by(opened, address, photograph)


def taken_by(browser: Browser, address: str, photograph: Path) -> bytes:
    """The same in a browser that runs already."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    page.goto(address)
    page.wait_for_selector(".view .start:visible")
    page.set_input_files(".view .start .file", str(photograph))
    page.wait_for_selector(".frame[data-version]")
    page.wait_for_timeout(1000)  # ms: the frame's transition
    picture = page.screenshot()
    page.close()
    return picture


def small(png: bytes) -> bytes:
    """The picture in ``WIDTH`` pixels as JPEG: a PNG of its colours would be too large, and a palette changes them."""
    whole = Image.open(io.BytesIO(png)).convert("RGB")
    file = io.BytesIO()
    scaled = whole.resize((WIDTH, round(WIDTH * whole.height / whole.width)), Image.Resampling.LANCZOS)
    scaled.save(file, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return file.getvalue()


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("photograph", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.write_bytes(small(taken(given.address, given.photograph)))


if __name__ == "__main__":
    main()
