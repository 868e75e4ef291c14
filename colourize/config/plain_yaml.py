"""Small YAML files from unknown sources: plain values only."""

from pathlib import Path
from typing import Any

import yaml

from colourize import files

LARGEST = 256 << 10  # bytes, a hundred times more than a run writes


class _PlainLoader(yaml.SafeLoader):
    """A loader without aliases, because with them a short file could expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """The value of a small YAML file; references (``${...}``) stay text.

    Raises:
        OSError, ValueError: as ``files.read_bytes``; also invalid YAML or UTF-8, aliases, or too many levels.
    """
    try:
        return yaml.load(files.read_bytes(path, LARGEST).decode(), _PlainLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path} must be plain YAML, got {type(error).__name__}") from error
