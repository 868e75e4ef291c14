"""A pickle in a checkpoint that expands to more than its size is refused before torch reads it."""

import io
import pickle
import zipfile

import pytest
import torch

from colourize.errors import InputError
from colourize.runs import checkpoint, pickles


def shared(level, levels):
    """Each level contains the one below twice: a few hundred bytes for 2^levels elements."""
    for _ in range(levels):
        level = (level, level)
    return level


def as_key(pickled):
    """The pickle of a dictionary with a pickled value as its key; Python would hash each element to write it."""
    return b"\x80\x02}" + pickled[2:-1] + b"K\x01s."


def nested(levels):
    """The pickle of a tuple in a tuple in a tuple ..., which Python itself cannot write."""
    return b"\x80\x02)" + b"\x85" * levels + b"."


BOMBS = {
    "a tuple of shared tuples": as_key(pickle.dumps(shared((), 30), 2)),
    "a deep tuple": nested(1_000_000),
    "text that is encoded": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x08\x00\x00\x00punycode\x86R.",
    "another module": b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
    "an opcode of a later protocol": pickle.dumps(frozenset([1]), 4),
    "cut short": pickle.dumps({"a": [1, 2]}, 2)[:-3],
    "no stack": b"\x80\x02\x86.",
    "no memo": b"\x80\x02h\x07.",
    "text": b"hello",
}


@pytest.mark.parametrize("name", BOMBS)
def test_unexpected_items_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="it|pickle|opcode"):
        pickles.check(BOMBS[name])
    file = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", BOMBS[name])
        archive.writestr("archive/version", "3")
    with pytest.raises(InputError, match=r"bomb\.ckpt is damaged or not a checkpoint"):
        checkpoint.read(file)


def test_pickles_of_plain_values_and_tensors_by_torch_are_accepted():
    value = {"a": [1, 2.5, None, True, "x", {"b": (1, 2)}], "t": torch.ones(2, 3), "n": {i: -i for i in range(2000)}}
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with zipfile.ZipFile(buffer) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        pickles.check(archive.read(name))


EXPANDED = torch.zeros(1, 1)
TENSORS = {
    "a stride of zero": EXPANDED.expand(1000, 1000),
    "an overlap": torch.zeros(10).as_strided((5, 5), (1, 1)),
    "a gap": torch.zeros(10, 10)[:, ::2],
    "sparse": torch.eye(3).to_sparse(),
    "complex": torch.zeros(3, dtype=torch.complex64),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.filterwarnings("ignore:.*[Ss]parse.*")
def test_a_tensor_that_is_not_plain_memory_is_refused(name, tmp_path):
    file = tmp_path / "odd.ckpt"
    torch.save({"config": {}, "state_dict": {"deep": [{"x": TENSORS[name]}]}}, file)
    with pytest.raises(InputError, match=r"odd\.ckpt (contains a tensor|is damaged or not a checkpoint)"):
        checkpoint.read(file)


def test_tensors_larger_than_their_file_are_refused(tmp_path):
    weights = torch.zeros(100_000)
    torch.save({"config": {}, "state_dict": {str(i): weights.view(1, -1) for i in range(10)}}, tmp_path / "many.ckpt")
    with pytest.raises(InputError, match=r"many\.ckpt has tensors of 4,000,000 bytes in a file of"):
        checkpoint.read(tmp_path / "many.ckpt")


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_weights_in_either_order_of_memory_are_read(layout, tmp_path):
    weights = torch.rand(4, 3, 2, 2).to(memory_format=layout)
    odd = {"scalar": torch.tensor(1.0), "empty": torch.zeros(0, 3), "one": torch.rand(5, 1, 1), "weights": weights}
    torch.save({"config": {}, "state_dict": odd}, tmp_path / "x.ckpt")
    assert torch.equal(checkpoint.read(tmp_path / "x.ckpt")["state_dict"]["weights"], weights)
