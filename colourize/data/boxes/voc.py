"""Pascal VOC: one XML file for each picture. Boxes are whole pixels counted from 1, with the last one included.

The picture lies beside its XML file, or in ``JPEGImages/`` or ``images/`` beside the folder of the XML files, under the
name of the XML file or the name that ``filename`` gives. ``ImageSets/Main/train.txt`` and so on name the splits;
otherwise folders do.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from colourize import files
from colourize.data.boxes.raw import Faults, RawBox, RawPicture, RawSource, inside, split_of
from colourize.data.kinds import scan
from colourize.data.read import extensions
from colourize.errors import one_line

LARGEST = 4 << 20  # bytes of one file
PICTURES = "JPEGImages", "images", "Images"


def recognised(root: Path) -> list[str]:
    """Paths below the root of XML files that contain an ``annotation``, with '/', sorted."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.xml") if path.is_file())
    return paths if any(_looks_like(root / path) for path in paths[:5]) else []


def _looks_like(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<annotation" in file.read(4096)
    except OSError:
        return False


def read(root: Path, faults: Faults) -> RawSource:
    """The pictures of all XML files of a folder. Damaged files are counted."""
    sets = _sets(root)
    splits: dict[str, list[RawPicture]] = {}
    used = set()
    for path in recognised(root):
        split = sets.get(Path(path).stem, "") if sets else split_of(Path(path).parent.as_posix())
        if sets and not split:
            continue  # in no set, or in one for another task
        try:
            tree = parsed(files.read_bytes(root / path, LARGEST))
        except (OSError, ValueError) as error:
            faults.add("file unreadable", f"{path} ({one_line(error)[:60]})")
            continue
        picture = _picture(root, path, tree, faults)
        used.add(picture.file)
        splits.setdefault(split, []).append(picture)
    if not sets:
        for name in scan(root)[0]:
            if name not in used:
                faults.add("picture without boxes file", name)
    names = {box.name for pictures in splits.values() for each in pictures for box in each.boxes}
    return RawSource(splits, tuple(sorted(name for name in names if name)))


def parsed(content: bytes) -> ElementTree.Element:
    """The root of an XML text without a document type: so no entities, and no files of other places.

    Raises:
        ValueError: damaged XML, a document type, or another root than ``annotation``.
    """
    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = _refuse
    try:
        checker.Parse(content, True)
        tree = ElementTree.fromstring(content)
    except (expat.ExpatError, ElementTree.ParseError, LookupError, RecursionError) as error:
        raise ValueError(f"damaged XML: {one_line(error)}") from error
    if tree.tag != "annotation":
        raise ValueError(f"the root must be annotation, got {tree.tag[:40]}")
    return tree


def _refuse(*_: object) -> None:
    raise ValueError("a document type, which may expand without end")


def _picture(root: Path, path: str, tree: ElementTree.Element, faults: Faults) -> RawPicture:
    stated = inside((tree.findtext("filename") or "").strip())
    if stated is None and tree.findtext("filename"):
        faults.add("picture outside of the folder", f"{path} {tree.findtext('filename')!s:.60}")
    size = tree.findtext("size/width"), tree.findtext("size/height")
    boxes = [_box(each) for each in tree.iter("object")]
    return RawPicture(_found(root, path, stated), path, boxes, size if any(size) else None)


def _box(entry: ElementTree.Element) -> RawBox:
    corners: list[float] = []
    try:
        x1, y1, x2, y2 = (float(entry.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax"))
        corners = [min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2), max(y1, y2)]
        if x1 > x2 or y1 > y2:
            corners = [corners[2], corners[1], corners[0], corners[3]]  # still swapped: the check counts it
    except ValueError:
        pass
    name = (entry.findtext("name") or "").strip()
    return RawBox(name or None, corners, (entry.findtext("difficult") or "0").strip() == "1")


def _found(root: Path, path: str, stated: str | None) -> str | None:
    """The picture of an XML file: of its own name first, because ``filename`` is often out of date."""
    folder, stem = Path(path).parent, Path(path).stem
    suffix = Path(stated).suffix if stated else ".jpg"
    names = [f"{stem}{suffix}", *(f"{stem}{each}" for each in (".jpg", ".jpeg", ".png")), *([stated] if stated else [])]
    for near in (folder, *(folder.parent / name for name in PICTURES), *(folder / name for name in PICTURES)):
        for name in names:
            if Path(name).suffix.lower() in extensions() and (root / near / name).is_file():
                return (near / name).as_posix()
    return None


def _sets(root: Path) -> dict[str, str]:
    """The split of each picture by its name without suffix, from ``ImageSets/Main``."""
    found: dict[str, str] = {}
    for split in ("test", "val", "train"):
        for path in root.glob(f"ImageSets/Main/{split}.txt"):
            found |= dict.fromkeys(_words(path), split)
    return found


def _words(path: Path) -> Iterator[str]:
    for line in files.read_bytes(path).decode(errors="replace").splitlines():
        if words := line.split():
            yield words[0]
