import pytest

from tests.films import make


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A film of twelve grey frames with sound."""
    return make(tmp_path_factory.mktemp("films") / "plain.mp4")
