"""Small networks with random weights, as if a run had trained them."""

import functools

import torch

from colourize.model import Model
from colourize.runs.checkpoint import Trained
from tests.conftest import knobs
from tests.nets import network

COLOURS = 5


@functools.cache
def trained(name: str, space: str = "lab", hints: bool = False) -> Trained:
    """The network of conf/model/NAME.yaml with the statistics of some random greys in its batch norms."""
    words = "num_filters=4", f"num_colours={COLOURS}"
    values = {"hints": True} if hints else {}
    torch.manual_seed(0)
    net = network(name, num_filters=4, num_colours=COLOURS, **values)
    with torch.no_grad():
        net.train()(torch.rand(4, 1, 64, 64))
    palette = torch.rand(COLOURS, {"rgb": 3}.get(space, 2)) * (1 if space == "rgb" else 0.4)
    model = Model(net.eval(), palette, space).eval()
    config = knobs(f"model={name}", *words, f"colour_space={space}", "data=scenes", *(["hints=true"] if hints else []))
    return Trained(model, config, "f" * 20)
