"""The folder of the configuration files, and the content of one of them."""

from pathlib import Path
from typing import Any

import yaml


def conf_dir() -> str:
    """Folder of the configuration files: inside an installed package, or next to it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "conf"
    return str(inside if inside.is_dir() else package.parent / "conf")


def own(name: str) -> Any:
    """One of the configuration files of colourize, such as ``data/cifar10.yaml``: plain values, unresolved."""
    return yaml.safe_load((Path(conf_dir()) / name).read_text())
