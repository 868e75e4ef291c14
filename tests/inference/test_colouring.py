"""From a grey picture to a coloured one, with hints, references and samples."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colourize.errors import InputError
from colourize.inference import hinted, referred, space, working
from colourize.inference.colouring import Choices, chromas, coloured
from colourize.inference.decoded import Decoding
from colourize.inference.hinted import Hint
from tests.predictors import PALETTE, Pointwise

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (60, 90), dtype=np.uint8)
STEPS = np.repeat(np.repeat(np.array([[30, 120, 185]], np.uint8), 60, 0), 30, 1)


def luminance(colours):
    levels = space.grey_levels(colours)
    return levels / (1 if levels.dtype == np.uint8 else 257)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 4]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_size_keeps_its_size_and_luminance(height, width, stride, wide):
    grey = RNG.integers(0, 256, (height, width), dtype=np.uint8)
    result = coloured(Pointwise(stride), grey, Choices(saturation=2, wide=wide))
    (picture,) = result.pictures
    assert picture.shape == (height, width, 3) and picture.dtype == (np.uint16 if wide else np.uint8)
    assert np.abs(luminance(picture) - grey).max() <= 1
    assert 0 <= result.outside <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_colourless_network_returns_the_grey_picture(dtype):
    white = np.iinfo(dtype).max
    wedge = np.tile(np.linspace(0, white, 256).astype(dtype), (40, 1))
    result = coloured(Pointwise(neutral=True), wedge, Choices(wide=dtype == np.uint16))
    assert np.array_equal(result.pictures[0], np.repeat(wedge[..., None], 3, -1))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 700)])
def test_extreme_shapes_are_coloured(shape):
    result = coloured(Pointwise(stride=4), np.full(shape, 128, np.uint8))
    assert result.pictures[0].shape == (*shape, 3)
    assert np.ptp(result.pictures[0].astype(int), axis=-1).min() > 10


def test_strips_and_threads_change_nothing(monkeypatch):
    whole = coloured(Pointwise(stride=4), GREY, Choices(threads=1)).pictures[0]
    monkeypatch.setattr(space, "STRIP", 700)
    parts = coloured(Pointwise(stride=4), GREY, Choices(threads=3)).pictures[0]
    assert np.abs(whole.astype(int) - parts).max() <= 1


def test_saturation_multiplies_the_chroma():
    def chroma(saturation):
        picture = coloured(Pointwise(), STEPS, Choices(saturation=saturation, wide=True)).pictures[0]
        return space.lab(picture / 65535)[..., 1:]

    assert np.allclose(chroma(0), 0, atol=0.01)
    assert np.allclose(chroma(0.5), chroma(0.25) * 2, atol=0.1)


def test_samples_differ_and_are_repeatable():
    choices = Choices(Decoding("sample"), samples=3)
    flat = Pointwise(sharp=2.0)
    first, again = (coloured(flat, GREY, choices, b"x").pictures for _ in range(2))
    assert len(first) == 3
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])
    (third,) = coloured(flat, GREY, Choices(Decoding("sample", seed=2)), b"x").pictures
    assert np.array_equal(third, first[2])


def test_a_hint_has_its_colour_at_its_place_and_none_far_away_in_other_tones():
    hint = Hint(45, 30, (200, 40, 40))
    plain, given_ = (space.lab(coloured(Pointwise(), STEPS, Choices(hints=hints)).pictures[0] / 255)
                     for hints in ((), (hint,)))  # fmt: skip
    wanted = space.lab(np.array(hint.rgb) / 255)[1:]
    before = np.linalg.norm(plain[30, 45, 1:] - wanted)
    assert np.linalg.norm(given_[30, 45, 1:] - wanted) < 0.35 * before  # the gamut at this lightness takes the rest
    angle = np.arctan2(*given_[30, 45, :0:-1]) - np.arctan2(*wanted[::-1])
    assert abs(np.angle(np.exp(1j * angle))) < 0.1
    assert np.abs(given_[30, 80] - plain[30, 80]).max() < 1


def test_two_hints_are_each_exact_at_their_cell():
    predictor = Pointwise()
    view = working.seen(GREY, predictor.card)
    logits = working.scores(predictor, view)
    lightness, _ = working.cells(view, logits)
    hints = [Hint(10, 10, (180, 60, 60)), Hint(14, 12, (60, 60, 180))]
    chroma = hinted.spread(np.zeros((2, *lightness.shape), np.float32), logits, lightness, hints, view)
    for hint in hints:
        row = int((hint.y + 0.5) / 60 * view.content[0])
        column = int((hint.x + 0.5) / 90 * view.content[1])
        assert np.allclose(chroma[:, row, column], space.lab(np.array(hint.rgb) / 255)[1:], atol=0.1)


@pytest.mark.parametrize("threads", [0, -1])
def test_without_a_thread_nothing_is_coloured(threads):
    with pytest.raises(InputError, match=f"threads must be >= 1, got {threads}"):
        coloured(Pointwise(), STEPS, Choices(threads=threads))


@pytest.mark.parametrize("saturation", [0, 0.5, 2])
def test_a_hint_keeps_its_colour_at_any_saturation(saturation):
    predictor, hint = Pointwise(), Hint(10, 10, (150, 90, 90))
    view = working.seen(GREY, predictor.card)
    logits = working.scores(predictor, view)
    lightness, _ = working.cells(view, logits)
    chroma = chromas(predictor, logits, lightness, view, Choices(saturation=saturation, hints=[hint]))
    row, column = int(10.5 / 60 * view.content[0]), int(10.5 / 90 * view.content[1])
    assert np.allclose(chroma[:, row, column], space.lab(np.array(hint.rgb) / 255)[1:], atol=0.01)


@pytest.mark.parametrize("saturation", [0, 0.5, 2])
def test_a_network_trained_with_hints_keeps_them_at_any_saturation_and_scales_the_rest(saturation):
    predictor, hint = Pointwise(sharp=5.0), Hint(10, 10, (150, 90, 90))
    predictor.card = replace(predictor.card, hints=True)
    view = working.seen(STEPS, predictor.card)
    logits = predictor.logits(view.grey[None, None])[0]
    lightness, _ = working.cells(view, logits)
    plain, scaled = (
        chromas(predictor, logits, lightness, view, Choices(saturation=each, hints=[hint])) for each in (1, saturation)
    )
    row, column = int(10.5 / 60 * view.content[0]), int(10.5 / 90 * view.content[1])
    assert np.allclose(scaled[:, row, column], plain[:, row, column], atol=0.01)
    far = np.abs(lightness - lightness[row, column]) > 60
    assert far.any() and np.allclose(scaled[:, far], saturation * plain[:, far], atol=0.3)


def test_a_hint_for_a_network_that_takes_hints_is_a_square_of_its_colour_under_a_mask():
    view = working.seen(GREY, Pointwise().card)
    planes = hinted.channels([Hint(45, 30, (255, 0, 128))], view)
    row, column = int(30.5 / 60 * view.content[0]), int(45.5 / 90 * view.content[1])
    assert np.allclose(planes[:, row, column], [255 / 256, 0, 0.5, 1])
    assert planes[3].sum() == hinted.PATCH**2


@pytest.mark.parametrize("text", ["", "1,2", "a,b,#000000", "1,2,red", "1,2,#12345", "1.5,2,#123456"])
def test_other_texts_are_not_hints(text):
    with pytest.raises(InputError, match="a hint must be x,y,#rrggbb"):
        hinted.parsed(text)


def test_hints_of_a_file(tmp_path):
    file = tmp_path / "hints.json"
    file.write_text('[{"x": 3, "y": 4, "colour": "#0a0B0c"}]')
    assert hinted.read(file) == [Hint(3, 4, (10, 11, 12))]
    for text in ('{"x": 3}', "[1]", '[{"x": true, "y": 1, "colour": "#000000"}]', '[{"x": 1, "y": 2}]', "nonsense"):
        file.write_text(text)
        with pytest.raises(InputError, match="hint"):
            hinted.read(file)


HOSTILE = {
    "NaN": '[{"x": NaN, "y": 1, "colour": "#ffffff"}]',
    "infinity": '[{"x": 1, "y": Infinity, "colour": "#ffffff"}]',
    "an overflow": '[{"x": 1e999, "y": 1, "colour": "#ffffff"}]',
    "only NaN": "NaN",
    "thousands of digits": '[{"x": "' + "9" * 5000 + '", "y": 0, "colour": "#ffffff"}]',
    "deep lists": "[" * 200_000 + "]" * 200_000,
    "deep dictionaries": '[{"x":' * 3000 + "1" + "}]" * 3000,
    "a long list": json.dumps([{"x": 1, "y": 1, "colour": "#ffffff"}] * 1001),
    "megabytes": json.dumps([{"x": 1, "y": 1, "colour": "#ffffff"}] * 200_000),
    "control characters": '[{"x": "\\u001b[2J", "y": 0, "colour": "\\n"}]',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_of_hints_is_one_line(kind, tmp_path):
    file = tmp_path / "hints.json"
    file.write_text(HOSTILE[kind])
    with pytest.raises(InputError, match=r"hints\.json") as caught:
        hinted.read(file)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300


def test_a_hint_outside_the_picture_is_refused():
    with pytest.raises(InputError, match=r"a hint must be in the picture of 90 x 60 pixels, got 90,5"):
        coloured(Pointwise(), GREY, Choices(hints=[Hint(90, 5, (0, 0, 0))]))


def test_a_reference_gives_its_colours_to_what_the_network_says_is_the_same():
    predictor = Pointwise(sharp=2000.0)
    tone = {30: (20, -30), 120: (-40, 30), 185: (5, 40)}  # chroma of each step of the reference
    chroma = np.stack([np.select([level == STEPS for level in tone], [ab[i] for ab in tone.values()]) for i in (0, 1)])
    reference, _ = space.joined(STEPS, chroma.astype(np.float32))
    palette = referred.palette(predictor, reference)
    nearest = {30: 0, 120: 2, 185: 3}  # classes at the steps' greys
    for level, k in nearest.items():
        shown = space.lab(reference[level == STEPS][0] / 255)[1:]
        assert np.linalg.norm(palette[k] - shown) < 0.2 * np.linalg.norm(PALETTE[k] - shown), k
    assert np.allclose(palette[4], PALETTE[4], atol=2)  # no white in the reference


def test_a_saturation_out_of_range_is_refused():
    with pytest.raises(InputError, match=r"--saturation must be in \[0, 10\], got -1"):
        coloured(Pointwise(), GREY, Choices(saturation=-1))
