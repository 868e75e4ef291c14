"""Case 39: a small file that would decode to a huge picture."""

import numpy as np
import pytest
from PIL import Image

from colourize.data.read import MAX_PIXELS
from tests.faults import probes_data as probes
from tests.faults.kinds import BOMBS
from tests.faults.processes import FOLDER, forked


def read_in_a_process(path, max_pixels=MAX_PIXELS):
    """Memory in MB before a picture is read, its peak in MB, and the output."""
    report = path.with_suffix(".report")
    process = forked(probes.read, str(path), str(report), max_pixels)
    process.join(60)
    assert process.exitcode == 0
    before, peak, message = report.read_text().split(" ", 2)
    return float(before), float(peak), message


@pytest.mark.case(39)
@pytest.mark.parametrize("name", BOMBS)
def test_39_a_bomb_is_refused_before_it_is_read(name, tmp_path, seen):
    side, file = BOMBS[name]
    assert len(file) < 20_000
    path = tmp_path / name
    path.write_bytes(file)
    before, peak, message = read_in_a_process(path)
    assert message == f"{side} x {side} pixels, more than the limit of {MAX_PIXELS}"
    assert peak - before < 20
    seen(f"{side**2 / 1e6:.0f} megapixels in {len(file) / 1e3:.1f} kB: refused with {peak - before:.0f} MB")


@pytest.mark.case(39)
def test_39_the_bombs_are_real_if_the_limit_is_raised(tmp_path, seen):
    path = tmp_path / "85.png"
    path.write_bytes(BOMBS["85.png"][1])
    before, peak, message = read_in_a_process(path, 10**8)
    assert message == "9220 x 9220"
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
    """Turned by EXIF, which needs one copy; with alpha, which needs two more."""
    tile = np.random.default_rng(0).integers(0, 256, (577, 866, len(mode)), np.uint8)
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / f"photo.{kind.lower()}"
    Image.fromarray(np.tile(tile, (10, 10, 1))).save(
        path, kind, exif=exif, **({"compress_level": 1} if kind == "PNG" else {})
    )
    before, peak, message = read_in_a_process(path)
    assert message == "5770 x 8660"
    assert peak - before > 150
    assert peak < 2000
    seen(f"{kind}, {mode}, {path.stat().st_size / 1e6:.0f} MB: peak {peak:.0f} MB, {peak - before:.0f} of them its own")
