"""Declared colours, compared with closed forms in numpy without LittleCMS: primaries and curves."""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from colour import RGB_COLOURSPACES, RGB_to_RGB
from PIL import Image, ImageCms

from colourize.data import profiles
from colourize.data.read import read_rgb, square
from tests.drawn_pictures import encoded
from tests.icc import ADOBE, ADOBE_2_2, CMYK, GREY_LINEAR, LAB, P3, PROPHOTO, SRGB, cmyk_seen

COLOURS = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
GREYS = np.arange(256, dtype=np.uint8).reshape(8, 32)


def pixels(file: bytes, **options: object) -> np.ndarray:
    return np.asarray(read_rgb(file, **options))


def to_srgb(values: np.ndarray, space: str) -> np.ndarray:
    """The expected conversion by colour-science: [..., 3], 8 bits to 8 bits."""
    return 255 * RGB_to_RGB(
        values / 255, RGB_COLOURSPACES[space], RGB_COLOURSPACES["sRGB"],
        "Bradford", apply_cctf_decoding=True, apply_cctf_encoding=True,
    ).clip(0, 1)  # fmt: skip


def encode(light: np.ndarray) -> np.ndarray:
    """The curve of sRGB: [0, 1] to 8 bits (IEC 61966-2-1)."""
    return np.rint(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))


def chunked(file: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks after its header."""
    made = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return file[:33] + made + file[33:]


@pytest.mark.parametrize(
    ("profile", "stored", "seen"),
    [
        (ADOBE_2_2, (60, 200, 60), (0, 201, 36)),
        (ADOBE, (60, 200, 60), (0, 201, 37)),
        (P3, (60, 200, 60), (0, 203, 11)),
        (SRGB, (60, 200, 60), (60, 200, 60)),
        (GREY_LINEAR, 128, (188, 188, 188)),
    ],
)
def test_a_tagged_picture_has_the_colours_of_its_profile(profile, stored, seen):
    mode = "RGB" if isinstance(stored, tuple) else "L"
    file = encoded(Image.new(mode, (9, 8), stored), icc_profile=profile)
    np.testing.assert_array_equal(pixels(file), np.broadcast_to(np.uint8(seen), (8, 9, 3)))
    np.testing.assert_array_equal(pixels(file, profiles=False), np.broadcast_to(np.uint8(stored), (8, 9, 3)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
@pytest.mark.parametrize(
    ("profile", "space"),
    [(ADOBE, "Adobe RGB (1998)"), (P3, "Display P3"), (PROPHOTO, "ProPhoto RGB"), (SRGB, "sRGB")],
)
def test_every_format_is_converted_as_colour_science_does(kind, profile, space):
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}, "AVIF": {"quality": 100}}
    image = Image.fromarray(COLOURS)
    file = encoded(image, kind, icc_profile=profile, **options.get(kind, {}))
    stored = pixels(file, profiles=False)
    np.testing.assert_allclose(pixels(file), to_srgb(stored, space), atol=1.6)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P"])
def test_grey_stays_grey(mode):
    image = Image.fromarray(GREYS).convert(mode)
    for profile in (ADOBE, P3) if mode == "P" else (GREY_LINEAR, ADOBE, P3, PROPHOTO):
        shown = pixels(encoded(image, icc_profile=profile)).astype(int)
        assert np.ptp(shown, axis=2).max() <= (1 if mode == "P" else 0)


def test_linear_grey_of_8_and_16_bits_is_the_closed_form():
    np.testing.assert_allclose(
        pixels(encoded(Image.fromarray(GREYS), icc_profile=GREY_LINEAR))[..., 0], encode(GREYS / 255), atol=1
    )
    levels = np.linspace(0, 65535, 4096).round().astype(np.uint16).reshape(64, 64)
    for kind in ("PNG", "TIFF"):
        shown = pixels(encoded(Image.fromarray(levels), kind, icc_profile=GREY_LINEAR))[..., 0]
        np.testing.assert_allclose(shown, encode(levels / 65535), atol=1)
        assert len(np.unique(shown)) > 230  # of 8 bits first, the shadows would be fewer than 200
    floats = encoded(Image.fromarray((levels / 65535).astype(np.float32)), "TIFF", icc_profile=GREY_LINEAR)
    np.testing.assert_allclose(pixels(floats)[..., 0], encode(levels / 65535), atol=1)


def test_alpha_is_composited_after_the_conversion():
    seen = np.array([0, 201, 36])
    for alpha in (0, 100, 255):
        shown = pixels(encoded(Image.new("RGBA", (4, 4), (60, 200, 60, alpha)), icc_profile=ADOBE))[0, 0]
        np.testing.assert_allclose(shown, (alpha * seen + (255 - alpha) * 255) / 255, atol=1)
        shown = pixels(encoded(Image.new("LA", (4, 4), (128, alpha)), icc_profile=GREY_LINEAR))[0, 0]
        np.testing.assert_allclose(shown, (alpha * 188 + (255 - alpha) * 255) / 255, atol=1)


def test_a_palette_and_a_hidden_colour_are_converted():
    image = Image.new("P", (2, 1))
    image.putpalette([60, 200, 60, 9, 9, 9])
    image.putpixel((1, 0), 1)
    shown = pixels(encoded(image, transparency=1, icc_profile=ADOBE))
    np.testing.assert_array_equal(shown, [[(0, 201, 37), (255, 255, 255)]])
    grey = Image.new("L", (2, 1), 128)
    grey.putpixel((1, 0), 7)
    shown = pixels(encoded(grey, transparency=7, icc_profile=GREY_LINEAR))
    np.testing.assert_array_equal(shown, [[(188,) * 3, (255,) * 3]])


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_is_converted_by_its_profile(kind):
    inks = np.array([[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [90, 40, 160, 20], [0, 0, 0, 120]])
    for ink in inks.tolist():
        image = Image.new("CMYK", (16, 16), tuple(ink))
        shown = pixels(encoded(image, kind, icc_profile=CMYK, **({"quality": 100} if kind == "JPEG" else {})))[8, 8]
        np.testing.assert_allclose(shown, cmyk_seen(ink), atol=4)


def test_lab_with_its_profile_is_lab():
    image = Image.new("LAB", (4, 4), (150, 158, 148))
    plain, tagged = encoded(image, "TIFF"), encoded(image, "TIFF", icc_profile=LAB)
    np.testing.assert_allclose(pixels(plain)[0, 0].astype(int), pixels(tagged)[0, 0], atol=2)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_converted_smaller_to_the_same_square(kind):
    rows, columns = np.indices((600, 1000))
    waves = np.stack([np.sin(rows / 90), np.cos(columns / 70), np.sin((rows + columns) / 110)], axis=2)
    image = Image.fromarray((127.5 + 60 * waves).astype(np.uint8))
    file = encoded(image, kind, icc_profile=ADOBE, **({"quality": 95} if kind == "JPEG" else {}))
    small, full = read_rgb(file, at_least=32), read_rgb(file)
    assert 64 <= min(small.size) < 200
    difference = np.asarray(square(small, 32)).astype(int) - np.asarray(square(full, 32))
    assert np.abs(difference).max() <= 6
    assert abs(difference.mean()) < 0.2


def test_srgb_pictures_are_unchanged_for_any_declaration_of_srgb():
    plain = encoded(Image.fromarray(COLOURS))
    built_in = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    files = [encoded(Image.fromarray(COLOURS), icc_profile=each) for each in (SRGB, built_in)]
    files += [chunked(plain, (b"sRGB", b"\0")), chunked(plain, (b"gAMA", struct.pack(">I", 45455)))]
    files += [chunked(plain, (b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000)))]  # sRGB comes first
    for file in files:
        np.testing.assert_array_equal(pixels(file), COLOURS)


def _gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def _primaries(*values: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 0.3])
def test_a_gamma_of_a_png_is_the_closed_form(gamma):
    expected = encode((COLOURS / 255) ** (1 / gamma))
    np.testing.assert_allclose(pixels(chunked(encoded(Image.fromarray(COLOURS)), _gamma(gamma))), expected, atol=1)
    expected = encode((GREYS / 255) ** (1 / gamma))
    np.testing.assert_allclose(
        pixels(chunked(encoded(Image.fromarray(GREYS)), _gamma(gamma)))[..., 0], expected, atol=1
    )


def test_primaries_of_a_png_are_converted_as_by_colour_science():
    adobe = _primaries(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    file = chunked(encoded(Image.fromarray(COLOURS)), _gamma(256 / 563), adobe)
    np.testing.assert_allclose(pixels(file), to_srgb(COLOURS, "Adobe RGB (1998)"), atol=1.6)
    np.testing.assert_array_equal(pixels(chunked(encoded(Image.fromarray(COLOURS)), adobe)), COLOURS)  # no gamma


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_cameras_adobe_rgb_is_read_from_its_exif(kind):
    options = {"quality": 100} | ({"subsampling": 0} if kind == "JPEG" else {"lossless": True})
    for index, seen in (("R03", (0, 201, 36)), ("R98", (60, 200, 60))):
        exif = Image.Exif()
        exif[0x8769] = {0xA001: 0xFFFF, 0xA005: {1: index}}
        shown = pixels(encoded(Image.new("RGB", (8, 8), (60, 200, 60)), kind, exif=exif, **options))[0, 0]
        np.testing.assert_allclose(shown, seen, atol=3)


BROKEN = [
    (encoded(Image.fromarray(COLOURS), icc_profile=b"no profile"), "a damaged profile, or one without colours"),
    (encoded(Image.fromarray(COLOURS), icc_profile=ADOBE[:200]), "a damaged profile, or one without colours"),
    (encoded(Image.fromarray(COLOURS), icc_profile=ADOBE[:12] + b"abst" + ADOBE[16:]), "a damaged profile"),
    (encoded(Image.fromarray(COLOURS), icc_profile=ADOBE.replace(b"rTRC", b"xxxx")), "cannot build transform"),
    (encoded(Image.fromarray(COLOURS), icc_profile=GREY_LINEAR), "a profile for L in a picture of RGB"),
    (encoded(Image.fromarray(COLOURS), icc_profile=CMYK), "a profile for CMYK in a picture of RGB"),
    (encoded(Image.fromarray(COLOURS).convert("CMYK"), "TIFF", icc_profile=ADOBE), "a profile for RGB in a picture"),
    (chunked(encoded(Image.fromarray(COLOURS)), _gamma(0)), "gamma must be between 0.05 and 20, got 0"),
    (chunked(encoded(Image.fromarray(COLOURS)), _gamma(1), _primaries(*[0.3] * 8)), "impossible primaries"),
    (chunked(encoded(Image.fromarray(COLOURS)), _gamma(1), _primaries(*[0.0] * 8)), "impossible primaries"),
]


@pytest.mark.parametrize(("file", "reason"), BROKEN)
def test_a_broken_or_mismatching_profile_is_left_out_with_its_reason(file, reason):
    ignored: list[str] = []
    np.testing.assert_array_equal(pixels(file, ignored=ignored), pixels(file, profiles=False))
    assert len(ignored) == 1 and ignored[0].startswith(reason) and "\n" not in ignored[0]
    assert pixels(file).shape == COLOURS.shape  # and without a list


def test_a_damaged_profile_gives_a_picture():
    generator = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(generator.choice([ADOBE, CMYK, GREY_LINEAR]))
        for _ in range(generator.integers(1, 6)):
            damaged[generator.integers(0, min(len(damaged), 500))] = generator.integers(0, 256)
        for mode in ("RGB", "L", "CMYK"):
            file = encoded(Image.new(mode, (4, 4)), "TIFF", icc_profile=bytes(damaged))
            assert read_rgb(file).mode == "RGB"


def test_threads_can_share_a_transform():
    generator = np.random.default_rng(2)
    files = [
        encoded(Image.fromarray(generator.integers(0, 256, (90, 80, 3), np.uint8)), icc_profile=profile)
        for _ in range(12)
        for profile in (ADOBE, P3, PROPHOTO)
    ]
    profiles._transform.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        several = list(pool.map(pixels, files * 4))
    for one, other in zip([pixels(file) for file in files] * 4, several, strict=True):
        np.testing.assert_array_equal(one, other)
