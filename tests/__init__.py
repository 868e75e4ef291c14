"""The tests."""

import functools
import gc
from importlib import metadata

# Lightning looks for plugins among all installed packages at each Trainer, which takes a tenth of a small run
metadata.entry_points = functools.cache(metadata.entry_points)

gc.disable()  # until all is imported: imports leave nothing to free, and it takes a quarter of their time
