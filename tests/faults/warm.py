"""What each forked process would do first, done once before they are forked: imports, look-ups, a composition."""

from importlib import metadata

import av  # noqa: F401
from hydra.core.plugins import Plugins
from PIL import Image
from skimage.registration import optical_flow_ilk  # noqa: F401
from tensorboard.plugins.hparams import api_pb2  # noqa: F401
from torch.utils import serialization  # noqa: F401

import colourize.models.convtranspose
import colourize.tasks.chosen  # noqa: F401
from colourize.config.compose import composed, plain
from colourize.data import scenes
from colourize.models.lookup import BANDWIDTHS, _kernel
from colourize.runs.environment import environment

Plugins.instance()
scenes.load(40, 8, 8)  # of most runs
Image.init()
metadata.entry_points(group="pytorch_lightning.callbacks_factory")
environment("cpu", 1)
plain(composed("config", ["data=scenes", "data.num_train=40", "image_size=8", "lr=0.5", "hydra.run.dir=a-1"]))
for bandwidth in BANDWIDTHS:
    _kernel(bandwidth)
