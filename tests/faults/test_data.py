"""Cases 26 to 29 and 37 to 39: the archive of CIFAR-10 from a real server on this machine, and damaged pictures."""

import io
import signal
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import tifffile
from PIL import Image
from torchvision.datasets import CIFAR10

from colourize.data import cifar10, folder
from colourize.data.decode import MAX_PIXELS, read_rgb
from tests.cifar_archive import BATCHES, attributes, write_archive
from tests.faults import probes_data as probes
from tests.faults.processes import CONTEXT
from tests.faults.states import saved
from tests.test_decode import png

FILE = "cifar-10-python.tar.gz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        self.server.answer(self)

    def log_message(self, *words):
        pass

    def head(self, length=None, kind="application/gzip", **headers):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in {"Content-Length": length, **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, content, length=None):
        self.head(len(content) if length is None else length)
        self.wfile.write(content)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Serves an archive as ``answer`` does."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, body):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.answer, self.release, self.requests = body, whole, threading.Event(), 0
        self.address = f"http://127.0.0.1:{self.server_port}/{FILE}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that goes away is no matter: torchvision does so after each redirection it looks for."""


def whole(request):
    request.send(request.server.body)


def truncated(request):
    request.send(request.server.body[:-100])


def another(request):
    request.send(request.server.body[:-1000] + bytes(1000))


def page(request):
    request.head(22, "text/html")
    request.wfile.write(b"<html>Log in</html>\r\n\r\n")


def missing(request):
    request.send_error(404)


def cut(request):
    body = request.server.body
    request.send(body[: len(body) // 2], len(body))


def cut_chunk(request):
    request.head(Transfer_Encoding="chunked")
    request.wfile.write(b"fffff\r\n" + request.server.body[:100_000])


def reset(request):
    cut(request)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def no_http(request):
    request.wfile.write(b"220 mail.example ready\r\n")


def silent(request):
    request.server.release.wait(60)


def stalled(request):
    cut(request)
    request.server.release.wait(60)


def in_time(request):
    """Waits for the test, then sends."""
    request.server.release.wait(60)
    whole(request)


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """Folder of a small archive, and what torchvision is told of it."""
    root = tmp_path_factory.mktemp("origin")
    write_archive(root)
    return root, attributes(root)


@pytest.fixture
def server(origin):
    with Server((origin[0] / FILE).read_bytes()) as server:
        yield server
        server.release.set()
        server.shutdown()


SMALL = (
    "data=cifar10", "classes=all", "num_filters=1", "num_colours=2", "batch_size=50", "max_epochs=1",
    "+trainer.enable_progress_bar=false",
)  # fmt: skip


@pytest.fixture
def run(start, tmp_path, cache, origin, server):
    """Starts a run of two steps, whose pictures are in ``data`` or are fetched from the server."""

    def begin(probe=None, *given, name="run", words=(cache,)):
        told = {**origin[1], "url": server.address}, probe, *given
        return start(*SMALL, f"hydra.run.dir={name}", *words, cwd=tmp_path, probe=probes.served, given=told)

    return begin


def assert_trained(process, folder):
    assert process.wait() == 0, process.stderr()
    assert "100 training and 20 validation pictures" in process.stdout()
    assert saved(folder)["global_step"] == 2


def told(process):
    """The one line in which it ended, after torchvision's bar."""
    assert process.wait() == 1
    *bars, line, end = process.stderr().split("\n")
    assert end == ""
    assert all("B/s]" in bar or not bar for bar in bars), bars
    assert line.startswith("colourize: CIFAR-10 is not in data.root=data and could not be fetched")
    assert "pass data=scenes, or data=folder data.root=DIR" in line
    return line


CHECKSUM = "what came is not the archive: its checksum is wrong"


@pytest.mark.case(26)
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (truncated, CHECKSUM),
        (another, CHECKSUM),
        (page, CHECKSUM),
        (missing, "HTTP Error 404: Not Found"),
        (cut, CHECKSUM),
        (cut_chunk, "IncompleteRead"),
        (reset, "Connection reset by peer"),
        (no_http, "220 mail.example ready"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_26_what_a_server_does_wrong_is_told_and_the_next_run_repairs_it(run, server, tmp_path, seen, fault, cause):
    server.answer = fault
    line = told(run())
    assert server.address in line
    assert cause in line
    server.answer = whole
    assert_trained(run(), tmp_path / "run")
    seen(f"{fault.__name__}: exit 1 ({cause}), repaired")


@pytest.mark.case(26)
@pytest.mark.parametrize(
    ("file", "content"),
    [(FILE, None), (FILE, b""), (f"cifar-10-batches-py/{BATCHES[2]}", b"damaged"), (BATCHES[2], b"beside it")],
)
def test_26_what_is_damaged_on_disk_is_fetched_anew_unasked(run, origin, tmp_path, seen, file, content):
    path = tmp_path / "data" / file
    path.parent.mkdir(parents=True)
    path.write_bytes((origin[0] / FILE).read_bytes()[:-100] if content is None else content)
    assert_trained(run(), tmp_path / "run")
    seen("damaged on disk: fetched anew, exit 0")


@pytest.mark.case(26)
def test_26_killed_while_downloading_the_next_run_repairs(run, server, tmp_path, seen):
    server.answer = stalled
    killed = run()
    file = tmp_path / "data" / FILE
    killed.wait_for(lambda: file.exists() and file.stat().st_size > 100_000)
    killed.signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    left = file.stat().st_size
    assert left < len(server.body)
    server.answer = whole
    assert_trained(run(), tmp_path / "run")
    seen(f"killed after {left} of {len(server.body)} bytes: repaired")


@pytest.mark.case(26)
def test_26_killed_anywhere_while_unpacking_the_next_run_repairs(run, tmp_path, seen):
    """The last of the members is the file of the classes' names, which torchvision's own check passes over."""
    for member in range(7):
        assert run(probes.kill_in_member, member).wait() == -signal.SIGKILL
    assert_trained(run(), tmp_path / "run")
    seen("killed in each of 7 members: repaired")


@pytest.mark.case(27)
@pytest.mark.parametrize("fault", [silent, stalled])
def test_27_a_server_that_stops_sending_is_waited_for_no_longer_than_the_limit(run, server, tmp_path, seen, fault):
    server.answer = fault
    begun = time.monotonic()
    line = told(run(probes.patience, 0.7))
    waited = time.monotonic() - begun
    assert 0.7 < waited < 15
    assert "the server sent nothing for 0.7 s" in line
    assert server.address in line
    assert "try again later" in line
    server.answer = whole
    assert_trained(run(), tmp_path / "run")
    seen(f"{fault.__name__}: exit 1 after {waited:.1f} s where the limit is 0.7, repaired")


@pytest.mark.case(27)
def test_27_the_limit_is_a_minute_and_other_connections_keep_theirs(cifar_archive, monkeypatch, seen):
    limits = []
    original = CIFAR10.download
    monkeypatch.setattr(CIFAR10, "download", lambda self: limits.append(socket.getdefaulttimeout()) or original(self))
    before = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(7.5)
        cifar10.load(cifar_archive[0])
        assert socket.getdefaulttimeout() == 7.5
    finally:
        socket.setdefaulttimeout(before)
    assert limits == [60]
    seen("60 s, put back")


@pytest.mark.case(28)
def test_28_two_runs_that_find_the_pictures_missing_at_once_both_train(run, server, tmp_path, seen):
    server.answer = in_time
    (tmp_path / "arrived").mkdir()
    processes = [run(probes.note_missing, str(tmp_path / "arrived"), name=f"run-{i}") for i in range(2)]
    for process in processes:
        process.wait_for(lambda: len(list((tmp_path / "arrived").iterdir())) == 2)
    server.release.set()
    for number, process in enumerate(processes):
        assert_trained(process, tmp_path / f"run-{number}")
    assert server.requests == 2  # torchvision looks for a redirection, then fetches
    seen("2 of 2 trained, fetched once")


def tree(folder):
    return {path: path.stat().st_ctime_ns for path in [folder, *folder.rglob("*")]}


@pytest.mark.case(29)
def test_29_read_only_data_are_enough(run, cifar_archive, tmp_path, seen):
    root, _ = cifar_archive
    cifar10.load(root)
    (root / ".cifar10.lock").unlink()
    before = tree(root)
    process = run(probes.read_only, str(root), words=())
    assert_trained(process, tmp_path / "run")
    assert (
        "cache_dir=data/cache cannot be written (Read-only file system): going on without a cache" in process.stdout()
    )
    assert tree(root) == before
    seen(f"trained, {len(before)} entries untouched, no lock, no cache")


@pytest.mark.case(29)
def test_29_a_read_only_archive_that_is_not_unpacked_is_told(run, cifar_archive, seen):
    before = tree(cifar_archive[0])
    assert "Read-only file system" in told(run(probes.read_only, str(cifar_archive[0])))
    assert tree(cifar_archive[0]) == before
    seen("archive alone: exit 1")


@pytest.mark.case(29)
@pytest.mark.parametrize(
    ("probe", "given", "cause"),
    [
        (probes.small_files, 200_000, "File too large"),  # in the download
        (probes.small_files, 50_000, "File too large"),
        (probes.full_in_member, 3, "No space left on device"),
    ],
)
def test_29_a_full_disk_is_told_and_the_next_run_repairs(run, origin, tmp_path, seen, probe, given, cause):
    if given == 50_000:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / FILE).write_bytes((origin[0] / FILE).read_bytes())
    assert cause in told(run(probe, given))
    unpacked = list((tmp_path / "data").glob("cifar-10-batches-py/*"))
    assert bool(unpacked) == (given != 200_000)
    assert_trained(run(), tmp_path / "run")
    seen(f"{cause} after {len(unpacked)} members: exit 1, repaired")


FOLDER = (
    "data=folder", "data.root=pictures", "image_size=16", "num_filters=1", "num_colours=4", "batch_size=2",
    "max_epochs=1", "+trainer.enable_progress_bar=false",
)  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    """Six whole pictures that train and three that validate, of noise."""
    for split, count in (("train", 6), ("test", 3)):
        (tmp_path / "pictures" / split).mkdir(parents=True)
        for number in range(count):
            Image.effect_noise((16, 16), 50).convert("RGB").save(tmp_path / f"pictures/{split}/{number}.png")
    return tmp_path / "pictures"


@pytest.mark.case(37)
def test_37_damaged_pictures_are_left_out_and_named_and_the_rest_trains(start, pictures, tmp_path, cache, seen):
    reasons = {"train/empty.png": "an empty file", "train/text.jpg": "not a picture of a known format"}
    (pictures / "train/empty.png").touch()
    (pictures / "train/text.jpg").write_text("dear diary\n" * 99)
    (pictures / "train/list.csv").write_text("not even looked at")
    for kind in ("jpeg", "png", "gif", "tiff", "webp", "bmp"):
        file = pictures / f"test/half.{kind}"
        Image.effect_noise((64, 64), 50).convert("RGB").save(file)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        reasons[f"test/half.{kind}"] = ""
    process = start(*FOLDER, cache, "hydra.run.dir=run", cwd=tmp_path)
    assert process.wait() == 0, process.stderr()
    lines = [line.partition(" - ")[2] or line for line in process.stdout().splitlines()]
    assert sum("8 of 17 pictures in pictures cannot be read and are left out:" in line for line in lines) == 1
    for name, reason in reasons.items():
        (line,) = [line for line in lines if name in line]
        assert line.endswith(reason) and len(line.rpartition(f"{name}: ")[2]) > 9
    assert not any("list.csv" in line for line in lines)
    assert "6 training and 3 validation pictures" in process.stdout()
    assert saved(tmp_path / "run")["global_step"] == 3
    seen("training: 8 of 17 named with a reason each, 9 used, exit 0; for photos (exit 2), which cannot be read yet")


SIDE = 16
RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)  # mean 0.5
DARK, HALF = np.zeros_like(RAMP), np.full_like(RAMP, 0.5)


def of_bits(*channels, bits=16):
    """Channels in [0, 1] as integers of so many bits: [H, W, C], or [H, W] for a single one."""
    values = np.rint(np.dstack(channels) * (2**bits - 1)).astype(f"u{-(-bits // 8)}")
    return values[..., 0] if len(channels) == 1 else values


def png_of(colour_type, *channels):
    rows = of_bits(*channels).astype(">u2").reshape(SIDE, -1)
    return png(SIDE, SIDE, 16, colour_type, b"".join(b"\0" + row.tobytes() for row in rows))


def tiff(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def raw_tiff(width, height, bits, compression, photometric, data):
    """A TIFF of one grey strip, by the specification; what tifffile cannot write."""
    tags = {256: width, 257: height, 258: bits, 259: compression, 262: photometric, 273: 8, 277: 1, 278: height}
    tags[279] = len(data)
    data += b"\0" * (len(data) % 2)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def twelve_bits():
    """Two tones in three bytes."""
    pairs = np.rint(RAMP * 4095).astype(int).reshape(-1, 2)
    return b"".join((int(first) << 12 | int(second)).to_bytes(3, "big") for first, second in pairs)


def jpeg(mode, *channels):
    file = io.BytesIO()
    image = Image.frombytes(mode, (SIDE, SIDE), of_bits(*channels, bits=8).tobytes())
    image.save(file, "JPEG", quality=100, subsampling=0)
    return file.getvalue()


def paletted(kind):
    image = Image.frombytes("P", (SIDE, SIDE), bytes(range(256)))
    image.putpalette([part for tone in range(256) for part in (tone, 255 - tone, 128)])
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


GREY, COLOURED = (RAMP, RAMP, RAMP), (RAMP, 1 - RAMP, HALF)
KINDS = {
    "16-bit grey.png": (png_of(0, RAMP), GREY),
    "16-bit.png": (png_of(2, *COLOURED), COLOURED),
    "16-bit black of growing alpha.png": (png_of(6, DARK, DARK, DARK, RAMP), (1 - RAMP,) * 3),
    "16-bit grey with alpha.png": (png_of(4, DARK, RAMP), (1 - RAMP,) * 3),
    "16-bit grey.tif": (tiff(of_bits(RAMP)), GREY),
    "16-bit grey, zero is white.tif": (tiff(of_bits(1 - RAMP), photometric="miniswhite"), GREY),
    "16-bit.tif": (tiff(of_bits(*COLOURED), photometric="rgb"), COLOURED),
    "16-bit, big-endian.tif": (tiff(of_bits(*COLOURED), photometric="rgb", byteorder=">"), COLOURED),
    "16-bit, planes.tif": (
        tiff(of_bits(*COLOURED).transpose(2, 0, 1), photometric="rgb", planarconfig="separate", compression="zlib"),
        COLOURED,
    ),
    "12-bit grey.tif": (raw_tiff(SIDE, SIDE, 12, 1, 1, twelve_bits()), GREY),
    "32-bit grey.tif": (tiff(of_bits(RAMP, bits=32)), GREY),
    "float to 1.tif": (tiff(RAMP.astype(np.float32)), GREY),
    "float to 65535.tif": (tiff((RAMP * 65535).astype(np.float32)), GREY),
    "float, zero is white.tif": (tiff((1 - RAMP).astype(np.float32), photometric="miniswhite"), GREY),
    "CMYK.tif": (
        tiff(of_bits(RAMP, 1 - RAMP, HALF, DARK, bits=8), photometric="separated"),
        (1 - RAMP, RAMP, 1 - HALF),
    ),
    "CMYK.jpg": (jpeg("CMYK", DARK, DARK, DARK, RAMP), (1 - RAMP,) * 3),
    "palette.png": (paletted("PNG"), COLOURED),
    "palette.gif": (paletted("GIF"), COLOURED),
    "palette.tif": (
        tiff(of_bits(RAMP, bits=8), photometric="palette", colormap=of_bits(*(c.ravel() for c in COLOURED))[0].T),
        COLOURED,
    ),
}


@pytest.mark.case(38)
@pytest.mark.parametrize("name", KINDS)
def test_38_every_kind_of_file_has_its_tones_when_it_is_trained_on(name, tmp_path, seen):
    file, shown = KINDS[name]
    for split in ("train", "test"):
        (tmp_path / "pictures" / split).mkdir(parents=True)
        (tmp_path / "pictures" / split / name).write_bytes(file)
    pictures = folder.load(tmp_path / "pictures", image_size=SIDE, cache_dir=tmp_path / "cache")
    expected = 255 * np.dstack(shown)
    lossy = 2 * name.endswith(".jpg")
    for array in (pictures.train.numpy(), pictures.validation.numpy()):
        assert array.shape == (1, SIDE, SIDE, 3)
        assert np.abs(array[0] - expected).max() <= 1 + lossy
        assert array.mean() == pytest.approx(expected.mean(), abs=0.6)
    seen(f"{len(KINDS)} kinds of file: each tone within 1 (JPEG: 3), the mean within 0.6")


@pytest.mark.case(38)
def test_38_what_pillow_would_misread_is_refused(tmp_path, seen):
    """Uncompressed 16-bit planes: it takes the bytes of half of each plane for the plane."""
    path = tmp_path / "planes.tif"
    planes = of_bits(*COLOURED).transpose(2, 0, 1)
    path.write_bytes(tiff(planes, photometric="rgb", planarconfig="separate"))
    with Image.open(path) as image:
        assert np.abs(np.asarray(image) - 255 * np.dstack(COLOURED)).max() > 100
    with pytest.raises(folder.UnreadablePicture, match="16-bit colour planes; save it with its colours interleaved"):
        read_rgb(path)
    seen("16-bit planes, uncompressed: refused")


# Where EXIF says that the stored first row and first column are to be seen (CIPA DC-008, tag 274)
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip
OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


@pytest.mark.case(38)
def test_38_a_photo_stands_upright_as_exif_says(tmp_path, seen):
    tones = {("first", "first"): 0, ("first", "last"): 80, ("last", "first"): 160, ("last", "last"): 240}
    stored = np.array([[tones[row, column] for column in ("first", "last")] for row in ("first", "last")])
    stored = np.kron(stored, np.ones((32, 48))).astype(np.uint8)
    path = tmp_path / "photo.jpg"
    for orientation, (row, column) in SIDES.items():
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(stored).save(path, exif=exif)
        shown = read_rgb(path)
        assert shown.size == ((96, 64) if row in ("top", "bottom") else (64, 96))
        for (of_row, of_column), tone in tones.items():
            corner = {row if of_row == "first" else OPPOSITE[row], column if of_column == "first" else OPPOSITE[column]}
            at = [0 if side in corner else -1 for side in ("top", "left")]
            assert np.abs(np.asarray(shown).astype(int)[at[0], at[1]] - tone).max() <= 3
    seen("JPEG in 8 orientations: corners and size right")


def blank(side):
    return png(side, side, 1, 0, bytes((-(-side // 8) + 1) * side))


BOMBS = {
    "85.png": (9220, blank(9220)),
    "144.png": (12_000, blank(12_000)),
    # CCITT group 4: a row like the one above it, and the first is white, is a single bit
    "400.tif": (20_000, raw_tiff(20_000, 20_000, 1, 4, 0, b"\xff" * 2500 + b"\x00\x10\x01")),
}


def read_in_a_process(path, max_pixels=MAX_PIXELS):
    """MB held before a picture is read, the peak in MB, and what was said."""
    report = path.with_suffix(".report")
    process = CONTEXT.Process(target=probes.read, args=(str(path), str(report), max_pixels))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    before, peak, told = report.read_text().split(" ", 2)
    return float(before), float(peak), told


@pytest.mark.case(39)
@pytest.mark.parametrize("name", BOMBS)
def test_39_a_bomb_is_refused_before_it_is_decoded(name, tmp_path, seen):
    side, file = BOMBS[name]
    assert len(file) < 20_000
    path = tmp_path / name
    path.write_bytes(file)
    before, peak, told = read_in_a_process(path)
    assert told == f"{side} x {side} pixels, more than the limit of {MAX_PIXELS}"
    assert peak - before < 20
    seen(f"{side**2 / 1e6:.0f} megapixels in {len(file) / 1e3:.1f} kB: refused with {peak - before:.0f} MB")


@pytest.mark.case(39)
def test_39_the_bombs_are_real_where_the_limit_is_raised(tmp_path, seen):
    path = tmp_path / "85.png"
    path.write_bytes(BOMBS["85.png"][1])
    before, peak, told = read_in_a_process(path, 10**8)
    assert told == "9220 x 9220"
    assert peak - before > 85
    seen(f"85 megapixels with the limit raised: {peak - before:.0f} MB")


@pytest.mark.case(39)
def test_39_bombs_among_the_pictures_are_named_and_the_rest_trains(start, pictures, tmp_path, cache, seen):
    for name, (_, file) in BOMBS.items():
        (pictures / "train" / name).write_bytes(file)
    process = start(*FOLDER, cache, "hydra.run.dir=run", cwd=tmp_path)
    assert process.wait() == 0, process.stderr()
    for name, (side, _) in BOMBS.items():
        assert f"train/{name}: {side} x {side} pixels, more than the limit of" in process.stdout()
    assert "6 training and 3 validation pictures" in process.stdout()
    seen("among pictures for training: named, exit 0")


@pytest.mark.case(39)
@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGBA")])
def test_39_an_honest_photo_of_50_megapixels_is_read_within_2_gb(kind, mode, tmp_path, seen):
    """Turned by EXIF, which takes a copy; with alpha, which takes another two."""
    tile = np.random.default_rng(0).integers(0, 256, (577, 866, len(mode)), np.uint8)
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / f"photo.{kind.lower()}"
    Image.fromarray(np.tile(tile, (10, 10, 1))).save(
        path, kind, exif=exif, **({"compress_level": 1} if kind == "PNG" else {})
    )
    before, peak, told = read_in_a_process(path)
    assert told == "5770 x 8660"
    assert peak - before > 150
    assert peak < 2000
    seen(f"{kind}, {mode}, {path.stat().st_size / 1e6:.0f} MB: peak {peak:.0f} MB, {peak - before:.0f} of them its own")
