"""Shards are WebDataset's format: its library reads ours, and we read those that it writes."""

import hashlib
import json

import numpy as np
import pytest
import webdataset
from PIL import Image
from webdataset import tariterators

from colourize.data.shards import source, writing
from colourize.errors import InputError
from tests.drawn_pictures import encoded
from tests.stores import BUCKET


def read_by_webdataset(paths):
    read = {}
    for path in paths:
        with path.open("rb") as file:
            files = tariterators.tar_file_expander([{"url": path.name, "stream": file}])
            for sample in tariterators.group_by_keys(files):
                assert sample["__key__"] not in read
                read[sample["__key__"]] = sample["png"]
    return read


def test_webdataset_reads_every_picture_once_with_its_class(prepared, written):
    read = read_by_webdataset(sorted(written.glob("train-*.tar")))
    files = {path.relative_to(prepared / "train"): path for path in (prepared / "train").rglob("*.png")}
    assert read == {str(name.with_suffix("")).replace("v1.", "v1_"): path.read_bytes() for name, path in files.items()}


def test_the_index_states_what_the_files_are(written):
    for name in ("train.json", "val.json"):
        for shard in json.loads((written / name).read_text())["shardlist"]:
            content = (written / shard["url"]).read_bytes()
            assert len(content) == shard["filesize"] and hashlib.md5(content).hexdigest() == shard["md5sum"]
            assert len(read_by_webdataset([written / shard["url"]])) == shard["nsamples"]


def test_the_same_pictures_give_the_same_bytes_in_a_folder_and_in_a_store(prepared, written, tmp_path, store):
    from tests.stores import boto3_client

    target = f"s3://{BUCKET}/made"
    assert writing.write(prepared, target, 5000).line(target).startswith("24 pictures are in ")
    writing.write(prepared, str(tmp_path / "again"), 5000)
    for path in written.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
        assert (
            boto3_client(store).get_object(Bucket=BUCKET, Key=f"made/{path.name}")["Body"].read() == path.read_bytes()
        )


def test_shards_of_webdatasets_own_writer_are_read(tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    path = tmp_path / "train-000000.tar"
    with webdataset.TarWriter(str(path)) as writer:
        for number, picture in enumerate(pictures):
            png = encoded(Image.fromarray(picture))
            writer.write({"__key__": f"{number:06d}", "png": png, "cls": number % 2, "json": {"a": 1}})
    content = path.read_bytes()
    shard = {"url": path.name, "nsamples": 6, "filesize": len(content), "md5sum": hashlib.md5(content).hexdigest()}
    (tmp_path / "train.json").write_text(json.dumps({"wids_version": 1, "shardlist": [shard]}))
    found = source.load(tmp_path, image_size=8, holdout=0.5, cache_dir=tmp_path / "cache")
    both = np.concatenate([found.train.numpy(), found.validation.numpy()])
    assert sorted(map(bytes, both)) == sorted(map(bytes, pictures))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://there/x", "--shards must be a folder or s3://BUCKET/PREFIX"),
        ("{out}/shards", "must neither be in .* nor contain it"),
        ("{tmp}/other", "contains other files, such as mine.txt"),
        ("{tmp}/other/mine.txt", "is a file; pass a folder"),
    ],
)
def test_a_place_that_cannot_take_shards_is_refused_before_the_work(tmp_path, target, said):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mine.txt").touch()
    with pytest.raises(InputError, match=said):
        writing.check(target.format(out=tmp_path / "out", tmp=tmp_path), tmp_path / "in", tmp_path / "out")
