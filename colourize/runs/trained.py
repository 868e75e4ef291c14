"""The trained model of a checkpoint or of exported weights. K colours, C channels of the palette."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from colourize import files
from colourize.colour.spaces import SPACES, Space
from colourize.config import options, stored
from colourize.config.knobs import value_in
from colourize.config.tasks import COLOURIZATION
from colourize.errors import InputError
from colourize.model import About, Model
from colourize.models import shapes
from colourize.runs import temperature, weights
from colourize.runs.checkpoint import read


class Trained(NamedTuple):
    """A trained model, and the entries of its checkpoint.

    ``fingerprint`` identifies the pictures and palette of its training; empty if the file has none. Logits must be
    divided by ``temperature``: stored in an exported file, or fitted to the checkpoint; otherwise 1.
    """

    model: Model
    config: dict[str, Any]
    fingerprint: str
    temperature: float = 1.0


def load(path: str | Path, trusted: Collection[str] = ()) -> Trained:
    """The trained model of a checkpoint or of exported weights (.safetensors), in evaluation mode, on the CPU.

    Args:
        path: the file.
        trusted: packages with networks and sources that the file may also name; it can cause no other import.

    Raises:
        InputError: as ``checkpoint.read``; or ``stored.checked`` refuses the configuration, or the weights do not
            fit the network.
    """
    path = files.expanded(path)
    contents = weights.read(path) if path.suffix.lower() == weights.SUFFIX else read(path)
    config = stored.checked(contents["config"], path, trusted)
    if value_in(config, "task") != COLOURIZATION:
        raise InputError(
            f"{path} is a detector, which has no colours; pass it to colourize detect, or another file here"
        )
    try:
        state = _model_state(contents["state_dict"])
        network = _network(config["model"], state, trusted)
        model = Model(network, _palette(state["palette"], config), _space(config))
        model.load_state_dict(state)
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError, ArithmeticError, MemoryError) as error:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path}: its weights and its configuration do not fit ({cause}); pass another file"
        ) from error
    found = contents.get("fingerprint")
    fitted = contents["temperature"] if "temperature" in contents else temperature.fitted(path)
    run = path.absolute().parents[1].name if path.absolute().parent.name == "checkpoints" else ""
    model.about = About(f"{run}/{path.name}" if run else path.name, value_in(config, "image_size"), fitted)
    return Trained(model.eval(), config, found if isinstance(found, str) else "", fitted)


def _model_state(state: dict[str, Any]) -> dict[str, Any]:
    """The model's tensors in the state of its training module; raises ValueError for other tensors."""
    if others := [name for name in state if not (isinstance(name, str) and name.startswith("model."))]:
        raise ValueError(f"{str(others[0])[:80]} is not part of a model")
    return {name.removeprefix("model."): tensor for name, tensor in state.items()}


def _space(config: dict[str, Any]) -> Space:
    return SPACES[value_in(config, "colour_space")]


def _palette(palette: Any, config: dict[str, Any]) -> Tensor:
    """The palette of a checkpoint, float [K, C]; raises ValueError if it does not fit its configuration."""
    space = _space(config)
    shape = config["num_colours"], space.channels
    if not isinstance(palette, Tensor) or not palette.is_floating_point() or palette.shape != shape:
        raise ValueError(f"the palette must be floats {list(shape)}")
    if not ((palette >= space.low) & (palette <= space.high)).all():
        raise ValueError(f"{space.rule}, and the palette is not")
    return palette


def palette(path: Path, contents: dict[str, Any]) -> Tensor:
    """The palette of a checkpoint, float32 [K, C]; raises InputError if it has none that fits its configuration."""
    try:
        return _palette(contents["state_dict"].get("model.palette"), contents["config"]).float()
    except ValueError as error:
        raise InputError(f"{path}: {error}; pass another file") from error


def _network(node: dict[str, Any], state: dict[str, Tensor], trusted: Collection[str]) -> nn.Module:
    """Builds the network of a checked node.

    Our networks are first built without memory, so that a small file cannot allocate gigabytes.

    Raises:
        ValueError: the weights have other names or shapes than in the file.
        Exception: any error of the network's class.
    """
    build = options.named("model", node["_target_"], trusted)
    values = {key: value for key, value in node.items() if key != "_target_"}
    if options.is_option("model", node["_target_"]):
        with shapes.only():
            expected = {f"network.{name}": tensor.shape for name, tensor in build(**values).state_dict().items()}
        found = {name: tensor.shape for name, tensor in state.items() if name.startswith("network.")}
        for name in expected | found:
            if expected.get(name) != found.get(name):
                texts = (f"{tuple(shape)}" if shape is not None else "absent" for shape in
                          (expected.get(name), found.get(name)))  # fmt: skip
                raise ValueError("{} must be {}, got {}".format(name[:80], *texts))
    network: nn.Module = build(**values)
    return network
