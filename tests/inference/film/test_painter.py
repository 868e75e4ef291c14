"""A film coloured by a network: its luminance stays, samples do not flicker, an interruption changes no bit."""

import numpy as np
import pytest

from colourize.errors import InputError
from colourize.inference import space
from colourize.inference.colouring import Choices, coloured
from colourize.inference.decoded import Decoding
from colourize.inference.film import film
from colourize.inference.film.painter import NetworkPainter
from tests.films import grey_frames, make, shown
from tests.predictors import Pointwise

SAMPLE = Choices(Decoding("sample", 1.0, 3), threads=1)
MEAN = Choices(threads=1)


class Nervous(Pointwise):
    """Scores with noise that is another for every picture, of which it does not know that it is of one film."""

    def logits(self, grey):
        noise = np.random.default_rng(self.calls).standard_normal((len(self.card.palette), 1, 1))
        return super().logits(grey) + noise.astype(np.float32)


def painted(painter, frames):
    return [painter.paint(frame) for frame in frames]


def test_without_steadiness_a_frame_is_coloured_as_a_photograph_is():
    painter = NetworkPainter(Pointwise(), MEAN, "off")
    for frame in grey_frames(2):
        expected = coloured(Pointwise(), frame[..., 0], MEAN).pictures[0]
        assert np.abs(painter.paint(frame).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("way", ["flow", "time", "off"])
def test_luminance_stays_to_one_level(way):
    for frame, result in zip(
        grey_frames(4), painted(NetworkPainter(Pointwise(), MEAN, way), grey_frames(4)), strict=True
    ):
        assert result.dtype == np.uint8
        assert np.ptp(result.astype(int), axis=2).max() > 20  # colours
        grey = np.rint(space.grey_levels(result) / 257).astype(int)
        assert np.abs(grey - frame[..., 0]).max() <= 1


@pytest.mark.parametrize("way", ["flow", "time"])
def test_a_still_picture_flickers_less_with_steadiness(way):
    still = [grey_frames(1)[0]] * 15
    moves = {name: changes(painted(NetworkPainter(Nervous(), MEAN, name), still)[5:]) for name in (way, "off")}
    assert moves[way] < moves["off"] / 4


def changes(frames):
    return np.abs(np.diff(np.stack(frames).astype(float), axis=0)).mean()


def test_samples_of_a_still_picture_are_the_same_in_every_frame():
    still = [grey_frames(1)[0]] * 4
    first, *others = painted(NetworkPainter(Pointwise(sharp=5), SAMPLE, "off", b"film"), still)
    assert all((first == other).all() for other in others)


def test_samples_depend_on_seed_and_film_and_on_nothing_else():
    def sample(seed=3, clip=b"film"):
        choices = Choices(Decoding("sample", 1.0, seed), threads=1)
        return painted(NetworkPainter(Pointwise(sharp=5), choices, "flow", clip), grey_frames(2))[1]

    assert (sample() == sample()).all()
    assert (sample() != sample(seed=4)).any()
    assert (sample() != sample(clip=b"other")).any()


@pytest.mark.parametrize("way", ["flow", "time"])
def test_an_interrupted_film_has_the_same_bits(tmp_path, way, monkeypatch):
    source = make(tmp_path / "in.mp4")
    film.colour(source, tmp_path / "whole.mp4", NetworkPainter(Nervous2(), MEAN, way), length=4)
    first = NetworkPainter(Nervous2(), MEAN, way)
    monkeypatch.setattr(first, "paint", stopping(first.paint, 9))
    with pytest.raises(KeyboardInterrupt):
        film.colour(source, tmp_path / "out.mp4", first, length=4)
    film.colour(source, tmp_path / "out.mp4", NetworkPainter(Nervous2(), MEAN, way), length=4)
    assert (shown(tmp_path / "out.mp4")[1] == shown(tmp_path / "whole.mp4")[1]).all()


class Nervous2(Pointwise):
    """Scores with noise that follows from the picture."""

    def logits(self, grey):
        noise = np.random.default_rng(int(grey.sum() * 64)).standard_normal((len(self.card.palette), 1, 1))
        return super().logits(grey) + noise.astype(np.float32)


def stopping(paint, at):
    calls = iter(range(at))

    def stop(picture):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return paint(picture)

    return stop


@pytest.mark.parametrize("size", [(1, 1), (300, 4), (5, 200), (37, 53)])
@pytest.mark.parametrize("way", ["flow", "time"])
def test_frames_of_any_size(size, way):
    height, width = size
    frames = np.random.default_rng(0).integers(0, 255, (3, height, width, 1), dtype=np.uint8).repeat(3, -1)
    for result in painted(NetworkPainter(Pointwise(stride=4), MEAN, way), frames):
        assert result.shape == (height, width, 3)


def test_another_way_is_refused():
    with pytest.raises(InputError, match="--steady must be one of"):
        NetworkPainter(Pointwise(), MEAN, "best")
