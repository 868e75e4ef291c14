"""The tests."""

import functools
from importlib import metadata

# Lightning looks for plugins among all installed packages at each Trainer, which takes a tenth of a small run
metadata.entry_points = functools.cache(metadata.entry_points)
