"""Small networks with random weights, in the form of a trained run."""

import functools

import torch

from colourize.config.instantiate import instantiate
from colourize.model import Model
from colourize.runs.trained import Trained
from tests import encoders
from tests.conftest import knobs

COLOURS = 5


@functools.cache
def trained(name: str, space: str = "lab", hints: bool = False) -> Trained:
    """The network of conf/model/NAME.yaml; its batch norms have the statistics of some random greys."""
    words = ["num_filters=4", f"num_colours={COLOURS}", f"colour_space={space}", *(["hints=true"] if hints else [])]
    words += [f"model.encoder={encoders.small_same.__name__}"] if name == "encoder_unet" else []
    config = knobs(f"model={name}", "data=scenes", *words)
    torch.manual_seed(0)
    net = instantiate(config["model"])
    with torch.no_grad():
        net.train()(torch.rand(4, 1, 64, 64))
    palette = torch.rand(COLOURS, {"rgb": 3}.get(space, 2)) * (1 if space == "rgb" else 0.4)
    model = Model(net.eval(), palette, space).eval()
    return Trained(model, config, "f" * 20)
