"""Exported weights, and malicious files that pretend to be such."""

import json
import os
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

import colourize
from colourize.config.instantiate import instantiate
from colourize.errors import InputError
from colourize.runs.trained import load
from colourize.runs.weights import LARGEST, LARGEST_HEADER, read, written
from tests.conftest import knobs
from tests.nets import MODELS

GREY = torch.rand(2, 1, 9, 14, generator=torch.Generator().manual_seed(0)) * 255 / 256


def trained(run):
    return load(run / "checkpoints/last.ckpt")


@pytest.fixture
def exported(finished_run, tmp_path):
    """The file of a run's exported weights."""
    found = trained(finished_run)
    file = tmp_path / "mine.safetensors"
    file.write_bytes(written(found.model, found.config, found.fingerprint, 1.25))
    return file


def changed(file, tensors=None, **metadata):
    """The same file with other metadata; None removes an entry."""
    note = json.loads(weights_metadata(file)["colourize"]) | metadata
    kept = {name: value for name, value in note.items() if value is not None}
    file.write_bytes(save(tensors or load_file(file), {"colourize": json.dumps(kept)}))
    return file


def weights_metadata(file):
    content = file.read_bytes()
    return json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])["__metadata__"]


def test_the_file_alone_gives_the_model_of_the_checkpoint_bit_by_bit(finished_run, exported):
    before, after = trained(finished_run), load(exported)
    with torch.no_grad():
        assert torch.equal(before.model(GREY), after.model(GREY))
        assert torch.equal(before.model(GREY), colourize.load(exported)(GREY))
    assert torch.equal(before.model.palette, after.model.palette)
    assert (after.fingerprint, after.temperature) == (before.fingerprint, 1.25)
    assert (before.temperature, after.model.space) == (1.0, before.model.space)


@pytest.mark.parametrize("name", MODELS)
def test_every_network_of_conf_comes_back(name, tmp_path):
    config = knobs(f"model={name}", "num_filters=4", "num_colours=5", "colour_space=lab")
    torch.manual_seed(0)
    model = colourize.Model(instantiate(config["model"]), torch.rand(5, 2), "lab").eval()
    file = tmp_path / "a.safetensors"
    file.write_bytes(written(model, config))
    with torch.no_grad():
        assert torch.equal(model(GREY), colourize.load(file)(GREY))


def test_half_the_bytes_keep_three_digits(finished_run, tmp_path):
    found, file = trained(finished_run), tmp_path / "half.safetensors"
    file.write_bytes(written(found.model, found.config, half=True))
    tensors = load_file(file)
    assert {name for name, tensor in tensors.items() if tensor.dtype == torch.float32} == {"palette"}
    model = colourize.load(file)
    assert all(
        not tensor.is_floating_point() or tensor.dtype == torch.float32 for tensor in model.state_dict().values()
    )
    for name, tensor in found.model.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=2**-11, atol=2**-24)


def test_a_weight_beyond_float16_is_named(finished_run):
    found = trained(finished_run)
    found.model.network.scores.bias.data[0] = 7e4
    with pytest.raises(
        InputError, match=r"network\.scores\.bias contains 70000, above float16's limit of 65504; leave --half"
    ):
        written(found.model, found.config, half=True)


def test_the_file_does_not_reveal_its_writer_s_folders(finished_run):
    found = trained(finished_run)
    config = found.config | {"cache_dir": "/home/me/cache", "ckpt_path": "/home/me/a.ckpt"}
    config["data"] = {"_target_": "colourize.data.folder.load", "root": "/home/me/pictures", "image_size": 8}
    content = written(found.model, config)
    assert b"/home" not in content
    assert b'\\"root\\": \\"pictures\\"' in content


def test_a_file_of_another_program_is_distinguished(tmp_path):
    (tmp_path / "other.safetensors").write_bytes(save({"weights": torch.zeros(3)}))
    with pytest.raises(InputError, match="was not written by colourize"):
        colourize.load(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 9) + b"[" * 9,
     struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 13) + b'{"a":{"b":1}}', None],
)  # fmt: skip
def test_a_damaged_file_is_named(exported, content):
    whole = exported.read_bytes()
    exported.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(InputError, match=r"mine\.safetensors is damaged"):
        colourize.load(exported)


def test_a_large_header_is_refused_before_it_is_parsed(exported):
    exported.write_bytes(struct.pack("<Q", LARGEST_HEADER + 1) + b" " * (LARGEST_HEADER + 1))
    with pytest.raises(InputError, match="its header must have 2 to 4,194,304 bytes, got 4,194,305"):
        colourize.load(exported)


def test_a_header_that_declares_more_than_the_file_contains_is_refused(exported):
    header = json.dumps({"palette": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4 << 40]}}).encode()
    exported.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(InputError, match=r"is damaged or not a file of weights"):
        colourize.load(exported)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"config": None}, "its metadata lacks config"),
        ({"format": 99}, r"must be of format 1 to \d+, got 99; install a newer colourize"),
        ({"temperature": -1}, "temperature must be > 0 and finite, got -1"),
        ({"temperature": "hot"}, "temperature must be > 0 and finite, got hot"),
        ({"config": {"model": {"code": "os.system", "values": {}}}}, "config lacks"),
    ],
)
def test_metadata_is_checked(exported, metadata, message):
    with pytest.raises(InputError, match=message):
        colourize.load(changed(exported, **metadata))


def test_code_that_a_file_names_is_not_run(exported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = json.loads(weights_metadata(exported)["colourize"])["config"]
    config["model"] = {"code": "os.system", "values": {"command": "touch ran"}}
    with pytest.raises(InputError, match="model must be an option of colourize, got os.system"):
        colourize.load(changed(exported, config=config))
    assert not (tmp_path / "ran").exists()


def test_weights_that_do_not_fit_their_network_are_refused(exported):
    tensors = load_file(exported)
    tensors["network.scores.bias"] = torch.zeros(3)
    with pytest.raises(InputError, match=r"network\.scores\.bias must be \(4,\), got \(3,\)"):
        colourize.load(changed(exported, tensors))


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(exported):
    os.truncate(exported, LARGEST + 1)  # sparse: takes no space on the disk
    with pytest.raises(InputError, match="it must have <= 4,294,967,296 bytes"):
        read(exported)


def test_other_types_of_numbers_are_refused(exported):
    tensors = load_file(exported)
    tensors["network.scores.bias"] = tensors["network.scores.bias"].double()
    with pytest.raises(InputError, match=r"network\.scores\.bias must be of F32, F16, I64, got F64"):
        colourize.load(changed(exported, tensors))


def raw(file, entry):
    """The same file with the header's entry of one tensor replaced."""
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header["network.scores.bias"] |= entry
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


@pytest.mark.parametrize(
    "entry",
    [{"data_offsets": [2, 18]}, {"data_offsets": [-4, 12]}, {"data_offsets": [float("nan"), 16]},
     {"data_offsets": [0, 1 << 62]}, {"shape": [1 << 40, 1 << 40]}, {"dtype": "BF16"}, {"dtype": ["F32"]},
     {"dtype": "\x1b[2J"}],
)  # fmt: skip
def test_a_tensor_that_its_header_describes_wrongly_is_refused_in_one_line(exported, entry):
    raw(exported, entry)
    with pytest.raises(InputError, match=r"mine\.safetensors is damaged") as caught:
        colourize.load(exported)
    assert str(caught.value).isprintable()


def test_a_header_of_two_gigabytes_is_refused_before_it_is_read(exported):
    exported.write_bytes(struct.pack("<Q", 2 << 30) + b"{}")
    os.truncate(exported, 3 << 30)  # sparse
    with pytest.raises(InputError, match="its header must have 2 to 4,194,304 bytes, got 2,147,483,648"):
        colourize.load(exported)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_palette_or_weight_that_is_not_finite_is_one_line(exported, value):
    tensors = {name: tensor.clone() for name, tensor in load_file(exported).items()}
    for name, message in (
        ("palette", "its weights and its configuration do not fit"),
        ("network.scores.bias", "gives scores that are not finite"),
    ):
        wrong = {**tensors, name: torch.full_like(tensors[name], value)}
        with pytest.raises(InputError, match=message):
            colourize.load(changed(exported, wrong)).colourize(np.full((9, 14), 80, np.uint8))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file; pass one that colourize export wrote"):
        read(tmp_path / "absent.safetensors")
