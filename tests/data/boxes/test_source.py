"""Folders of pictures with boxes in three formats, sound and damaged."""

import json
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.data.boxes import source, voc, yolo
from colourize.data.boxes.raw import Faults, inside, split_of
from colourize.errors import InputError

BOXES = {"a": [("apple", (2, 3, 12, 13))], "b": [("pear", (0, 0, 30, 20)), ("apple", (10, 5, 20, 15))], "c": []}
WIDTH, HEIGHT = 30, 20


def _pictures(folder, names="abc"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.full((HEIGHT, WIDTH, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")


def _coco(names, **changed):
    """The content of a COCO file."""
    ids = {"apple": 7, "pear": 3}
    content = {
        "images": [{"id": i, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for i, n in enumerate(names)],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {"id": 1, "image_id": i, "category_id": ids[c], "bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": 0}
            for i, n in enumerate(names)
            for c, (x1, y1, x2, y2) in BOXES[n]
        ],
    }
    return {**content, **changed}


def _xml(boxes, name="x.png", size=(WIDTH, HEIGHT)):
    objects = "".join(
        f"<object><name>{c}</name><difficult>0</difficult><bndbox><xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for c, (x1, y1, x2, y2) in boxes
    )
    sizes = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    return f"<annotation><filename>{name}</filename>{sizes}{objects}</annotation>"


def _write_coco(root):
    for split, names in (("train", "ab"), ("val", "bc")):
        _pictures(root / split, names)
        (root / f"{split}.json").write_text(json.dumps(_coco(names)))


def _write_voc(root):
    _pictures(root / "JPEGImages")
    for folder in ("Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for name, boxes in BOXES.items():
        (root / "Annotations" / f"{name}.xml").write_text(_xml(boxes, "elsewhere.png"))
    for split, names in (("train", "ac"), ("val", "bd")):
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names))


def _write_yolo(root):
    for split, names in (("train", "ab"), ("val", "bc")):
        _pictures(root / "images" / split, names)
        (root / "labels" / split).mkdir(parents=True)
        for name in names:
            lines = [
                f"{['pear', 'apple'].index(c)} {(x1 + x2) / 2 / WIDTH} {(y1 + y2) / 2 / HEIGHT} "
                f"{(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}"
                for c, (x1, y1, x2, y2) in BOXES[name]
            ]
            if lines:
                (root / "labels" / split / f"{name}.txt").write_text("\n".join(lines))
    (root / "data.yaml").write_text("names: {0: pear, 1: apple}\n")


def _by_name(boxed):
    """{picture: [(class, box), ...]}"""
    return {
        boxed.name(i)[0]: [
            (boxed.classes[label], tuple(box))
            for label, box in zip(boxed.labels[i].tolist(), boxed.boxes[i].round().int().tolist(), strict=True)
        ]
        for i in range(len(boxed))
    }


@pytest.mark.parametrize("write", [_write_coco, _write_yolo])
def test_every_format_gives_the_same_pictures_and_boxes(tmp_path, write):
    write(tmp_path)
    train, validation = source.load(tmp_path)
    assert _by_name(train) == {name: BOXES[name] for name in "ab"}
    assert _by_name(validation) == {name: BOXES[name] for name in "bc"}
    assert train.classes == ("pear", "apple") and train.sizes.tolist() == [[HEIGHT, WIDTH]] * 2


def test_voc_counts_pixels_from_one_and_knows_its_sets(tmp_path):
    _write_voc(tmp_path)
    train, validation = source.load(tmp_path)
    assert train.classes == ("apple", "pear") and _by_name(train) == {name: BOXES[name] for name in "ac"}
    assert _by_name(validation) == {"b": BOXES["b"]}


def test_without_a_split_a_share_validates_and_the_side_depends_on_the_picture_alone(tmp_path):
    _pictures(tmp_path, "abc")
    (tmp_path / "boxes.json").write_text(json.dumps(_coco("ab")))
    train, validation = source.load(tmp_path, holdout=0.5)
    assert sorted([*_by_name(train), *_by_name(validation)]) == ["a", "b"]
    again = source.load(tmp_path, holdout=0.5)
    assert _by_name(again.train) == _by_name(train)


def test_chosen_classes_leave_out_the_boxes_of_others(tmp_path):
    _write_coco(tmp_path)
    train, _ = source.load(tmp_path, classes="apple")
    assert train.classes == ("apple",) and _by_name(train) == {"a": BOXES["a"], "b": BOXES["b"][1:]}
    with pytest.raises(InputError, match="unknown class"):
        source.load(tmp_path, classes="plum")


def _faults(tmp_path, entries, **changed):
    """The faults of a COCO file with further boxes, and the training boxes left of picture a."""
    _pictures(tmp_path, "ab")
    content = _coco("ab", **changed)
    content["annotations"] += entries
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    faults = Faults()
    found = source.read(tmp_path, faults)
    boxed = source.checked(tmp_path, found.splits[""], found.classes, faults)
    return dict(faults.counts), _by_name(boxed)


def _entry(box, image=0, category=7):
    return {"image_id": image, "category_id": category, "bbox": box}


@pytest.mark.parametrize(
    ("entry", "fault", "left"),
    [
        (_entry([40, 0, 5, 5]), "box outside", []),
        (_entry([20, 0, 50, 5]), "box partly outside", [(20, 0, 30, 5)]),
        (_entry([5, 5, 0, 4]), "box empty", []),
        (_entry([9, 9, -4, -5]), "box swapped", [(5, 4, 9, 9)]),
        (_entry([5, 5, float("nan"), 4]), "box not of numbers", []),
        (_entry([5, 5, 4]), "box not of numbers", []),
        (_entry("5 5 4 4"), "box not of numbers", []),
        (_entry([5, 5, 4, 4], category=8), "class unknown", []),
        (_entry([5, 5, 4, 4], image=9), "boxes of an unknown picture", []),
        (_entry([2, 3, 10, 10]), "box listed twice", []),
        ([], "line or entry damaged", []),
        ({"image_id": [], "category_id": 7}, "line or entry damaged", []),
    ],
)
def test_each_fault_of_a_box_is_counted_and_the_rest_stays(tmp_path, entry, fault, left):
    counts, boxes = _faults(tmp_path, [entry])
    assert counts == {fault: 1}
    assert [box for _, box in boxes["a"]] == [(2, 3, 12, 13), *left]


def test_half_a_pixel_outside_is_rounding(tmp_path):
    counts, boxes = _faults(tmp_path, [_entry([20, 10, 10.5, 10.5])])
    assert counts == {} and boxes["a"][-1] == ("apple", (20, 10, 30, 20))


def test_pictures_that_are_missing_unreadable_elsewhere_or_of_another_size_are_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    images = [
        {"id": 0, "file_name": "a.png", "width": 999, "height": HEIGHT},
        {"id": 1, "file_name": "gone.png"},
        {"id": 2, "file_name": "broken.png"},
        {"id": 3, "file_name": "../../etc/passwd"},
        {"id": 4, "file_name": "a.png"},
    ]
    counts, boxes = _faults(tmp_path, [], images=images)
    kinds = "size of the picture wrong", "picture missing", "picture unreadable", "picture outside of the folder"
    assert counts == dict.fromkeys([*kinds, "picture listed twice"], 1)
    assert list(boxes) == ["a"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.png", "x/../../a.png", "C:\\a.png", "..\\a.png", "", "a\0b", 5])
def test_a_name_that_leaves_the_folder_is_none(name):
    assert inside(name) is None


def test_names_with_folders_stay():
    assert inside("x\\a.png") == inside("./x/a.png") == "x/a.png"


@pytest.mark.parametrize(
    ("path", "split"),
    [("instances_train2017.json", "train"), ("valid/_annotations.coco.json", "val"), ("images/test", "test"),
     ("trains", ""), ("x/y.json", "")],
)  # fmt: skip
def test_folders_and_files_name_their_split(path, split):
    assert split_of(path) == split


def test_xml_with_a_document_type_is_refused_before_anything_expands():
    laughs = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><annotation>&y;</annotation>'
    with pytest.raises(ValueError, match="document type"):
        voc.parsed(laughs.encode())
    for content in (b"", b"<annotation>", b"<other/>", b"\xff\xfe", b'<?xml version="1.0" encoding="x"?><annotation/>'):
        with pytest.raises(ValueError, match=r"damaged XML|root must be"):
            voc.parsed(content)


def test_damaged_files_of_voc_are_counted_and_the_rest_is_used(tmp_path, caplog):
    _write_voc(tmp_path)
    (tmp_path / "Annotations" / "c.xml").write_text("<annotation>")
    (tmp_path / "Annotations" / "d.xml").write_text(_xml(BOXES["a"]))
    with caplog.at_level(logging.WARNING):
        train, validation = source.load(tmp_path)
    assert list(_by_name(train)) == ["a"] and list(_by_name(validation)) == ["b"]
    assert "file unreadable" in caplog.text and "Annotations/c.xml" in caplog.text and "picture missing" in caplog.text


def test_damaged_lines_of_yolo_are_counted(tmp_path):
    _write_yolo(tmp_path)
    (tmp_path / "labels" / "train" / "a.txt").write_text(
        "1 0.5 0.5 0.2 0.2\n1 0.5 0.5\n9 0.5 0.5 0.1 0.1\n1 x 0.5 0.1 0.1\n1 nan 0.5 0.1 0.1\n\n"
    )
    (tmp_path / "labels" / "train" / "lost.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    (tmp_path / "labels" / "val" / "c.txt").write_bytes(b"\xff\xfe\0")
    faults = Faults()
    found = yolo.read(tmp_path, faults)
    boxed = source.checked(tmp_path, found.splits["train"], found.classes, faults)
    assert _by_name(boxed)["a"] == [("apple", (12, 8, 18, 12))]
    assert faults.counts == {
        "line or entry damaged": 1, "class unknown": 1, "box not of numbers": 2, "picture missing": 1,
        "file unreadable": 1,
    }  # fmt: skip


def _broken(root, write, name, text):
    write(root)
    (root / name).write_text(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root.mkdir(exist_ok=True), "has no boxes: neither a COCO"),
        (lambda root: _broken(root, _write_coco, "train.json", '{"images": [], "annotations": '), "cannot be read as"),
        (lambda root: _broken(root, _write_coco, "val.json", '{"images": [], "annotations": 5}'), "must have lists"),
        (lambda root: _broken(root, _write_coco, "train.json", json.dumps(_coco(""))), "no usable box to train"),
        (lambda root: _broken(root, _write_yolo, "data.yaml", "names: 5"), "no names of classes"),
    ],
)
def test_a_folder_without_usable_boxes_is_one_line(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(InputError, match=message) as raised:
        source.load(tmp_path)
    assert "\n" not in str(raised.value)


def test_bad_settings_are_one_line(tmp_path):
    for values, message in (({"holdout": 1}, "holdout must be"), ({"format": "x"}, "data.format must be")):
        with pytest.raises(InputError, match=message):
            source.load(tmp_path, **values)
    with pytest.raises(InputError, match="is not a folder"):
        source.load(tmp_path / "x")


def test_a_picture_turned_by_its_exif_has_the_size_that_a_viewer_shows(tmp_path):
    _pictures(tmp_path, "a")
    image = Image.open(tmp_path / "a.png")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    content = _coco("a")
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    faults = Faults()
    found = source.read(tmp_path, faults)
    boxed = source.checked(tmp_path, found.splits[""], found.classes, faults)
    assert boxed.sizes.tolist() == [[WIDTH, HEIGHT]] == [list(boxed.picture(0).shape[:2])]
    assert faults.counts == {"size of the picture wrong": 1}
    assert torch.equal(boxed.crowd(0), torch.tensor([False]))
