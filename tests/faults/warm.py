"""What each forked process would do first, done once before they are forked: imports, look-ups, a small training."""

import atexit
import gc
import os
import tempfile
from importlib import metadata
from pathlib import Path

import av  # noqa: F401
import fsspec.implementations.chained  # noqa: F401
import hydra._internal.logging_config  # noqa: F401
import rich._emoji_codes  # noqa: F401
import tensorboard.plugins.hparams.metadata  # noqa: F401
from hydra.core.plugins import Plugins
from PIL import Image
from skimage.registration import optical_flow_ilk  # noqa: F401
from tensorboard.plugins.hparams import api_pb2, error, plugin_data_pb2  # noqa: F401
from torch.utils import serialization  # noqa: F401

import colourize.models.convtranspose
import colourize.tasks.chosen  # noqa: F401
from colourize.config.compose import composed, plain
from colourize.models.lookup import BANDWIDTHS, _kernel
from colourize.runs.environment import environment
from colourize.runs.run_folder import claim
from colourize.tasks.colourization.task import TASK
from colourize.training.fit import fit
from tests.faults.processes import SMALL

Plugins.instance()
Image.init()
metadata.entry_points(group="pytorch_lightning.callbacks_factory")
environment("cpu", 1)
for bandwidth in BANDWIDTHS:
    _kernel(bandwidth)
with tempfile.TemporaryDirectory() as folder:
    words = "max_epochs=1", "lr=0.5", "hydra.run.dir=a-1", f"cache_dir={folder}/cache"
    knobs = plain(composed("config", [*SMALL, *words]))
    if not Path("/dev/nvidiactl").exists():  # with a GPU a backward pass starts threads, and then no fork has another
        with claim(Path(folder, "run"), knobs) as held:
            fit(TASK, knobs, Path(folder, "run"), held)
gc.freeze()  # a collection in a fork leaves alone what the server made, which would be copied
gc.enable()
atexit.register(os._exit, 0)  # the server's objects need not be freed
