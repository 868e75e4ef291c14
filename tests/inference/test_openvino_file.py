"""The zip of an exported OpenVINO network, and zips of strangers."""

import io
import zipfile

import numpy as np
import pytest

from colourize.errors import InputError
from colourize.inference import cards
from colourize.inference.openvino_file import Parts, joined, parts
from colourize.inference.openvino_predictor import OpenvinoPredictor
from colourize.inference.predictor import Card

PARTS = Parts(b"<net/>", b"1234", b"{}")
CARD = cards.text(Card("a", "lab", np.zeros((2, 2), np.float32), 32, 4)).encode()


def zipped(entries, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_parts_come_back_and_their_file_is_the_same_each_time(tmp_path):
    (tmp_path / "a.openvino").write_bytes(joined(PARTS))
    assert parts(tmp_path / "a.openvino") == PARTS
    assert joined(PARTS) == joined(PARTS)


THREE = [("model.xml", b"<net/>"), ("model.bin", b""), ("card.json", b"{}")]
BAD = {
    "no zip": (b"<html>", "is damaged or not from colourize export"),
    "two entries": (zipped(THREE[:2]), "it must contain model.xml, model.bin and card.json"),
    "another place": (zipped([*THREE[:2], ("../card.json", b"{}")]), "it must contain model.xml"),
    "a bomb": (
        zipped([*THREE[:1], ("model.bin", bytes(1 << 20)), *THREE[2:]], zipfile.ZIP_DEFLATED),
        "its entries must not be compressed",
    ),
    "a cut file": (joined(PARTS)[:-30], "is damaged or not from colourize export"),
    "a changed byte": (joined(PARTS).replace(b"1234", b"1235"), "Bad CRC-32"),
}


@pytest.mark.parametrize("name", BAD)
def test_another_file_is_refused_on_one_line(name, tmp_path):
    content, message = BAD[name]
    (tmp_path / "a.openvino").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        parts(tmp_path / "a.openvino")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        parts(tmp_path / "a.openvino")


@pytest.mark.parametrize("card", [b"{}", CARD])
def test_a_card_and_a_graph_are_checked(tmp_path, card):
    (tmp_path / "a.openvino").write_bytes(joined(PARTS._replace(card=card)))
    message = "is damaged or too new" if card == CARD else "its card of the network is not valid"
    with pytest.raises(InputError, match=message) as caught:
        OpenvinoPredictor(tmp_path / "a.openvino")
    assert "\n" not in str(caught.value)
