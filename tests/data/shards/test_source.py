"""Shards give the pictures of the folder that they were written from, from any place, and despite faults."""

import json
import shutil
import tarfile

import numpy as np
import pytest
import torch

from colourize.data import folder
from colourize.data.shards import source
from colourize.errors import InputError
from tests.stores import BUCKET, upload


def loaded(root, cache, **options):
    return source.load(root, **{"image_size": 8, "cache_dir": cache, **options})


def multiset(pictures):
    return sorted(picture.numpy().tobytes() for picture in pictures)


def same(first, second):
    return torch.equal(first.train, second.train) and torch.equal(first.validation, second.validation)


@pytest.mark.parametrize("options", [{}, {"classes": "cat"}, {"validation_classes": "horse"}, {"holdout": 0.4}])
def test_shards_hold_the_pictures_of_their_folder_each_once(prepared, written, tmp_path, options):
    shards = loaded(written, tmp_path / "shards", **options)
    plain = folder.load(prepared, image_size=8, cache_dir=tmp_path / "folder", profiles=True, **options)
    assert multiset(shards.train) == multiset(plain.train)
    assert multiset(shards.validation) == multiset(plain.validation)


def test_without_validation_shards_a_share_validates(written, tmp_path):
    shutil.copytree(written, tmp_path / "some")
    (tmp_path / "some/val.json").unlink()
    pictures = loaded(tmp_path / "some", tmp_path / "cache", holdout=0.3)
    assert len(pictures.train) + len(pictures.validation) == 18 and len(pictures.validation) > 0


def test_the_cache_serves_every_place_and_keeps_only_the_joined_arrays(written, tmp_path, store):
    upload(store, written)
    first = loaded(written, tmp_path)
    files = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert sum(name.startswith("shard-") for name in files) == 0
    store.asked.clear()
    again = loaded(f"s3://{BUCKET}/horses", tmp_path)
    assert same(first, again) and again.mapped
    assert [name for name, *_ in store.asked] == ["train.json", "val.json"]
    assert files == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.suffix != ".lock"}


FAULTS = {
    "503": ["503", "503", "", "503", "", "503"],
    "cut": ["", "", "cut", "cut", "", "cut"],
    "slow": ["slow", "", "slow", "slow"],
    "all": ["503", "cut", "slow", "503", "", "cut", "503", "slow", "cut"],
}


@pytest.mark.parametrize("kind", ["s3", "http"])
@pytest.mark.parametrize("faults", FAULTS)
def test_a_failing_store_gives_the_same_pictures_in_the_same_order(written, tmp_path, store, kind, faults):
    upload(store, written)
    store.faults[:] = FAULTS[faults]
    root = f"s3://{BUCKET}/horses" if kind == "s3" else f"{store.http}/{BUCKET}/horses"
    assert same(loaded(root, tmp_path / "store"), loaded(written, tmp_path / "folder"))
    assert not store.faults


def test_a_silent_connection_is_given_up_and_continued_where_it_ended(written, tmp_path, store, monkeypatch):
    upload(store, written)
    monkeypatch.setattr("colourize.data.shards.store.SILENCE", 0.3)
    store.faults[:] = ["", "", "stalled"]
    assert same(loaded(f"s3://{BUCKET}/horses", tmp_path / "store"), loaded(written, tmp_path / "folder"))
    assert any(sent.startswith("bytes=") and not sent.startswith("bytes=0") for _, _, sent in store.asked)


def test_an_interrupted_preparation_continues_with_the_missing_shards(written, tmp_path, store, monkeypatch):
    upload(store, written)
    monkeypatch.setattr("colourize.data.shards.fetching.THREADS", 1)
    monkeypatch.setattr("colourize.data.shards.store.RETRIES", 1)
    store.faults[:] = [""] * 4 + ["503*"]
    with pytest.raises(
        InputError, match=r"the server answers 503 Service Unavailable after 1 retries; try again later"
    ):
        loaded(f"s3://{BUCKET}/horses", tmp_path / "store")
    fetched = {name for name, fault, _ in store.asked if not fault}
    store.faults.clear()
    store.asked.clear()
    assert same(loaded(f"s3://{BUCKET}/horses", tmp_path / "store"), loaded(written, tmp_path / "folder"))
    again = [name for name, *_ in store.asked if name.endswith(".tar")]
    assert len(again) == len(set(again)) and not set(again) & fetched and len(fetched) == 4


def refused(root, tmp_path, said):
    with pytest.raises(InputError, match=said) as caught:
        loaded(root, tmp_path / "cache")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    left = [path.name for path in (tmp_path / "cache").glob("*.np*")]
    assert not any(name.startswith("shards-") for name in left)


def test_faults_of_the_store_are_one_line(written, tmp_path, store, monkeypatch):
    monkeypatch.setattr("colourize.data.shards.store.RETRIES", 2)
    upload(store, written)
    refused("s3://nothing/horses", tmp_path, "the store has no bucket nothing")
    refused(f"s3://{BUCKET}/cows", tmp_path, "contains no train.json; write shards there")
    refused(f"{store.http}/{BUCKET}/cows", tmp_path, "contains no train.json")
    refused("http://127.0.0.1:9/x", tmp_path, "cannot be reached after 2 retries")
    refused("ftp://me/x", tmp_path, "shards must be in a folder, s3://BUCKET/PREFIX or http")
    refused("http://me:secret@there/x", tmp_path, "must not contain a user, a password")
    store.check_keys = True
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
    refused(f"s3://{BUCKET}/horses", tmp_path, r"refuses access \(InvalidAccessKeyId\); set AWS_ACCESS_KEY_ID")


def test_a_missing_and_a_half_shard_in_a_store_are_one_line(written, tmp_path, store):
    from tests.stores import boto3_client

    upload(store, written, "half")
    client, name = boto3_client(store), "half/train-00001.tar"
    content = (written / "train-00001.tar").read_bytes()
    client.put_object(Bucket=BUCKET, Key=name, Body=content[: len(content) // 2], ACL="public-read")
    refused(f"s3://{BUCKET}/half", tmp_path, "train-00001.tar has .* bytes, but its index says")
    client.delete_object(Bucket=BUCKET, Key=name)
    refused(f"s3://{BUCKET}/half", tmp_path, "train-00001.tar is missing, but the index lists it")


def damaged(written, tmp_path, change):
    shutil.copytree(written, tmp_path / "bad")
    listed = json.loads((tmp_path / "bad/train.json").read_text())
    change(tmp_path / "bad", listed["shardlist"])
    (tmp_path / "bad/train.json").write_text(json.dumps(listed))
    return tmp_path / "bad"


def half(root, shards):
    path = root / shards[1]["url"]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(root, shards):
    path = root / shards[0]["url"]
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)


LIES = {
    "half a shard": (half, "train-00001.tar has .* bytes, but its index says .*; copy it there again"),
    "a flipped bit": (flipped, "train-00000.tar is damaged: its MD5 differs"),
    "more pictures": (lambda root, shards: shards[0].update(nsamples=7), "contains 4 pictures, but its index says 7"),
    "fewer pictures": (lambda root, shards: shards[0].update(nsamples=2), "contains more pictures, but its"),
    "a billion": (lambda root, shards: shards[0].update(nsamples=10**9), "1000000000 pictures in .* is impossible"),
    "a path": (lambda root, shards: shards[0].update(url="../../etc/x.tar"), "must be named like train-00000.tar"),
    "an address": (lambda root, shards: shards[0].update(url="http://there/x.tar"), "must be named like"),
    "twice": (lambda root, shards: shards.append(shards[0]), "lists a shard twice"),
    "no number": (lambda root, shards: shards[0].update(filesize="1"), "each shard must have url, filesize"),
    "missing": (lambda root, shards: (root / shards[2]["url"]).unlink(), "cannot be opened .* but the index lists it"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_damaged_shard_and_an_index_that_lies_are_one_line(written, tmp_path, lie):
    change, said = LIES[lie]
    refused(damaged(written, tmp_path, change), tmp_path, said)


def test_an_index_that_is_not_one_is_one_line(written, tmp_path):
    for content in ("", "{}", "[1", '{"shardlist": [3]}', '{"shardlist": []}', '{"wids_version": 9, "shardlist": [1]}'):
        (tmp_path / "train.json").write_text(content)
        refused(tmp_path, tmp_path, "index of shards|each shard must have")


def test_names_in_a_shard_never_lead_out_of_it(written, tmp_path):
    """A stranger's tar file with paths, links and devices gives pictures and nothing else."""
    root = tmp_path / "stranger"
    root.mkdir()
    picture = next(iter(sorted(written.glob("train-*.tar"))))
    with tarfile.open(picture) as archive:
        content = archive.extractfile(archive.getmembers()[0]).read()
    import hashlib
    import io

    with tarfile.open(root / "train-0.tar", "w") as archive:
        for number, name in enumerate(["/tmp/absolute.png", "../../above.png", "cat/a.png", "cat/b.png"]):
            member = tarfile.TarInfo(name)
            member.size = len(content) + number
            archive.addfile(member, io.BytesIO(content + bytes(number)))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"cat/{kind!r}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    data = (root / "train-0.tar").read_bytes()
    md5 = hashlib.md5(data).hexdigest()
    entry = {"url": "train-0.tar", "filesize": len(data), "md5sum": md5, "nsamples": 4}
    (root / "train.json").write_text(json.dumps({"wids_version": 1, "shardlist": [entry]}))
    before = set(tmp_path.rglob("*"))
    pictures = loaded(root, tmp_path / "cache", holdout=0.5)
    assert len(pictures.train) + len(pictures.validation) == 4
    assert {
        path for path in set(tmp_path.rglob("*")) - before if tmp_path / "cache" not in (path, *path.parents)
    } == set()


def test_a_cache_that_cannot_be_written_is_one_line(written, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cache_dir=.*file cannot be written .* data=shards keeps the pictures there"):
        loaded(written, tmp_path / "file")


def test_the_order_is_that_of_the_index(written, tmp_path):
    """The pictures of the tar files one after another, read by Python's own tarfile and Pillow."""
    import io

    from PIL import Image

    expected = []
    for shard in json.loads((written / "train.json").read_text())["shardlist"]:
        with tarfile.open(written / shard["url"]) as archive:
            for member in archive.getmembers():
                image = Image.open(io.BytesIO(archive.extractfile(member).read()))
                expected.append(np.asarray(image.resize((8, 8), Image.Resampling.LANCZOS, box=(1, 0, 11, 10))))
    assert np.array_equal(loaded(written, tmp_path).train.numpy(), np.stack(expected))
