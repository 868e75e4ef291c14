"""Memory of the page over 200 photographs, through its own server: python benchmarks/page_memory.py [PICTURES]

Prints the server's resident memory (MB) after each 20 photographs of 1.9 megapixels, and the median seconds of one:
upload, network, picture on the page. Each 40 come from a new visitor.
"""

import io
import os
import statistics
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.page import served

VISIT = 40  # photographs of one visitor


def photograph(number: int) -> bytes:
    """A JPEG file, 1600 x 1200: smooth colours with some noise."""
    random = np.random.default_rng(number)
    small = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    picture = np.asarray(small.resize((1600, 1200), Image.Resampling.BICUBIC)).astype(int)
    noisy = np.clip(picture + random.integers(-6, 7, picture.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "jpeg", quality=90)
    return buffer.getvalue()


def main(count: int) -> None:
    """Measures ``count`` photographs."""
    with served() as (address, pid):
        process, seconds = psutil.Process(pid), []
        for number in range(count):
            if number % VISIT == 0:
                browser = httpx.Client(base_url=address, timeout=300)
                browser.get("/").raise_for_status()
            content, begin = photograph(number), time.monotonic()
            browser.post("/photographs", content=content, headers={"x-name": f"{number}.jpg"}).raise_for_status()
            browser.get("/picture/colour").raise_for_status()
            seconds.append(time.monotonic() - begin)
            if number % 20 == 19 or number == 0:
                print(f"{number + 1:4}  {process.memory_info().rss / 1e6:6.0f} MB", flush=True)
        print(f"median {statistics.median(seconds):.2f} s, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
