"""The parts of a film: what an interruption leaves, and how it is resumed."""

import json
import os
import shutil

import pytest

from colourize.errors import InputError
from colourize.inference.film import film, parts
from tests.films import Tinted, colour, grey_frames, make


class StoppedError(Exception):
    pass


class Interrupting(Tinted):
    """Stops before it colours frame ``at`` of its life."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def paint(self, picture):
        if self.painted == self.at:
            raise StoppedError
        return super().paint(picture)


@pytest.mark.parametrize("at", range(12))
def test_a_film_stopped_at_any_frame_is_resumed_and_has_the_same_bits(tmp_path, plain, at):
    colour(plain, tmp_path / "whole.mp4")
    output = tmp_path / "out.mp4"
    with pytest.raises(StoppedError):
        colour(plain, output, Interrupting(at))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4.parts", "whole.mp4"]
    painter = Tinted()
    colour(plain, output, painter)
    assert painter.painted == 12 - at // 5 * 5  # whole parts of five frames are not coloured again
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "whole.mp4"]


def test_a_film_stopped_twice_and_while_it_is_joined_has_the_same_bits(tmp_path, plain, monkeypatch):
    colour(plain, tmp_path / "whole.mp4")
    output = tmp_path / "out.mp4"
    for at in (6, 3):
        with pytest.raises(StoppedError):
            colour(plain, output, Interrupting(at))
    with monkeypatch.context() as patched:
        patched.setattr(film.joined, "write", stop)
        with pytest.raises(StoppedError):
            colour(plain, output)
    assert not output.exists()
    painter = Tinted()
    colour(plain, output, painter)
    assert painter.painted == 0
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def stop(*arguments):
    raise StoppedError


def test_parts_of_other_settings_are_refused_by_name(tmp_path, plain):
    with pytest.raises(StoppedError):
        colour(plain, tmp_path / "out.mp4", Interrupting(6))
    with pytest.raises(InputError, match=r"quality was 5, now 6.*remove the folder"):
        colour(plain, tmp_path / "out.mp4", quality=6)
    with pytest.raises(InputError, match="model was tinted, now other"):
        colour(plain, tmp_path / "out.mp4", Tinted("other"))
    other = make(tmp_path / "other.mp4", grey_frames(5))
    with pytest.raises(InputError, match="film was"):
        colour(other, tmp_path / "out.mp4")


def test_two_processes_do_not_share_an_output(tmp_path, plain):
    with parts.opened(tmp_path / "out.mp4", {}), pytest.raises(InputError, match="another process"):
        colour(plain, tmp_path / "out.mp4")


def test_a_damaged_part_is_named(tmp_path, plain):
    with pytest.raises(StoppedError):
        colour(plain, tmp_path / "out.mp4", Interrupting(11))
    part = tmp_path / "out.mp4.parts" / "000001.nut"
    shutil.copy(tmp_path / "out.mp4.parts" / "000000.nut", part)
    part.write_bytes(part.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"000001.nut (is damaged; delete|cannot be read as a film)"):
        colour(plain, tmp_path / "out.mp4")


def test_a_part_that_is_deleted_is_made_again_and_the_film_has_the_same_bits(tmp_path, plain):
    """Parts of one frame: the memory of those between is not kept, so the work goes on from an earlier one."""
    colour(plain, tmp_path / "whole.mp4", length=1)
    with pytest.raises(StoppedError):
        colour(plain, tmp_path / "out.mp4", Interrupting(9), length=1)
    with parts.opened(tmp_path / "out.mp4", json.loads((tmp_path / "out.mp4.parts/film.json").read_text())) as kept:
        assert len(kept.finished()) == 9
        kept.film(6).unlink()
        assert len(kept.finished()) == 1
    colour(plain, tmp_path / "out.mp4", length=1)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_files_of_others_in_the_folder_of_parts_are_never_deleted(tmp_path, plain):
    folder = tmp_path / "out.mp4.parts"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        colour(plain, tmp_path / "out.mp4")
    assert (folder / "thesis.tex").read_text() == "mine"


def test_a_pipe_as_lock_is_named_and_not_waited_for(tmp_path):
    (tmp_path / "out.mp4.parts").mkdir()
    os.mkfifo(tmp_path / "out.mp4.parts/lock")
    with (
        pytest.raises(InputError, match="out.mp4.parts/lock must be a regular file"),
        parts.opened(tmp_path / "out.mp4", {}),
    ):
        pass
