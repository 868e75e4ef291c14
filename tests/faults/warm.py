"""What each forked process would do first, done once before they are forked: imports, look-ups, a small training."""

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
from colourize.data import scenes
from colourize.models.lookup import BANDWIDTHS, _kernel
from colourize.runs.environment import environment
from colourize.runs.run_folder import claim
from colourize.tasks.colourization.task import TASK
from colourize.training.fit import fit

Plugins.instance()
scenes.load(40, 8, 8)  # of most runs
Image.init()
metadata.entry_points(group="pytorch_lightning.callbacks_factory")
environment("cpu", 1)
SMALL = "data=scenes", "data.num_train=40", "data.num_validation=8", "image_size=8", "num_filters=2", "num_colours=4"
WORDS = *SMALL, "batch_size=20", "max_epochs=1", "lr=0.5", "trainer.enable_progress_bar=false", "hydra.run.dir=a-1"
for bandwidth in BANDWIDTHS:
    _kernel(bandwidth)
if not Path("/dev/nvidiactl").exists():  # a backward pass with a GPU starts threads, and then no fork has another
    with tempfile.TemporaryDirectory() as folder:
        knobs = plain(composed("config", [*WORDS, f"cache_dir={folder}/cache"]))
        with claim(Path(folder, "run"), knobs) as held:
            fit(TASK, knobs, Path(folder, "run"), held)
