"""Cases 37 and 38: damaged pictures, and every kind of file."""

import numpy as np
import pytest
from PIL import Image

from colourize.data import folder
from colourize.data.read import UnreadablePicture, read_rgb
from tests.faults.kinds import COLOURED, KINDS, SIDE, of_bits, tiff
from tests.faults.processes import FOLDER
from tests.faults.states import saved


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
def test_38_files_that_pillow_would_misread_are_refused(tmp_path, seen):
    """Uncompressed 16-bit planes: Pillow reads only half of the bytes of each plane."""
    path = tmp_path / "planes.tif"
    planes = of_bits(*COLOURED).transpose(2, 0, 1)
    path.write_bytes(tiff(planes, photometric="rgb", planarconfig="separate"))
    with Image.open(path) as image:
        assert np.abs(np.asarray(image) - 255 * np.dstack(COLOURED)).max() > 100
    with pytest.raises(UnreadablePicture, match="16-bit colour planes; save it with its colours interleaved"):
        read_rgb(path)
    seen("16-bit planes, uncompressed: refused")


# The sides at which EXIF places the stored first row and first column (CIPA DC-008, tag 274)
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip

OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


@pytest.mark.case(38)
def test_38_a_photo_is_turned_upright_by_its_exif(tmp_path, seen):
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
