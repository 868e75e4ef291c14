"""Opens a detector: a checkpoint or a run of ``task=detection``, or published weights of YOLOX."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from colourize import files
from colourize.config import options, stored
from colourize.config.knobs import value_in
from colourize.errors import InputError, one_line
from colourize.inference.detection.detector import Detector
from colourize.inference.opened import device_of
from colourize.models import shapes, yolox_weights
from colourize.models.coco import CLASSES
from colourize.models.yolox import YOLOX
from colourize.runs import checkpoint

COCO = "coco"
SIDE, STRIDE = 416, 32  # of the published small networks
WIDTHS = {"yolox_nano": (0.25, True), "yolox_tiny": (0.375, False)}
"""Width, and whether convolutions are depthwise, of the networks whose published weights are opened."""
MOST_CLASSES = 10_000


def opened(path: str | Path, device: str = "auto", side: int | None = None, trusted: Collection[str] = ()) -> Detector:
    """Opens a detector in evaluation mode.

    Args:
        path: a checkpoint or a run folder; ``coco`` for YOLOX-nano with the published weights; or a .pth, .onnx or
            .safetensors file of YOLOX-nano or -tiny.
        device: auto (a GPU if there is one), cpu, cuda or mps.
        side: of the network's input, a multiple of 32; None for that of its training.
        trusted: packages whose networks a checkpoint may name, besides colourize's.

    Raises:
        InputError: no such file, a damaged one, one of another network, or a bad side.
    """
    if side is not None and (side < STRIDE or side % STRIDE):
        near = max(1, round(side / STRIDE)) * STRIDE
        raise InputError(f"--size must be a multiple of {STRIDE}, got {side}; pass --size {near}")
    place = Path(path) if path == COCO else checkpoint.of_run(files.expanded(path))
    if path != COCO and place.suffix.lower() == ".ckpt":
        network, classes, trained = _of_run(place, options.check_trusted(trusted))
    else:
        network, classes, trained = _published(place), list(CLASSES), SIDE
    return Detector(network.eval().to(device_of(device)), tuple(classes), side or trained, place.name)


def _published(place: Path) -> nn.Module:
    """YOLOX-nano or -tiny with the weights of a file; the first that fits."""
    faults = []
    for width, depthwise in WIDTHS.values():
        network = YOLOX(width=width, depthwise=depthwise)
        try:
            file = yolox_weights.published(network) if str(place) == COCO else place
            network.load_state_dict(yolox_weights.read(file, network))
            return network
        except InputError as error:
            faults.append(error)
            if str(place) == COCO or not place.is_file():
                break
        except (RuntimeError, ValueError) as error:  # another number of classes
            faults.append(InputError(f"{place}: {one_line(error)[:120]}; pass weights for COCO's classes"))
    text = str(faults[0]).replace("init_from=", "--model ")
    raise InputError(text) from faults[0]


def _of_run(file: Path, trusted: Collection[str] = ()) -> tuple[nn.Module, list[str], int]:
    """The network, the classes and the input's side of a checkpoint.

    Raises:
        InputError: it is damaged, or no detector's.
    """
    contents = checkpoint.read(file)
    config = stored.checked(contents["config"], file, trusted)
    classes = contents.get("classes")
    if not isinstance(classes, list) or not 0 < len(classes) <= MOST_CLASSES or set(map(type, classes)) != {str}:
        raise InputError(f"{file} is not a checkpoint of a detector; pass one of task=detection, or --model coco")
    prefix = "network."
    state = {str(key).removeprefix(prefix): value for key, value in contents["state_dict"].items()}
    try:
        network = _network(config["model"], len(classes), state, trusted)
        network.load_state_dict(state)
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError, ArithmeticError, MemoryError) as error:
        cause = one_line(error)[:200]
        raise InputError(f"{file}: its weights and its configuration do not fit ({cause}); pass another") from error
    if not isinstance(network, YOLOX) and not callable(getattr(network, "detections", None)):
        raise InputError(f"{file}: {type(network).__name__} must have a method detections(pictures); pass a detector")
    return network, classes, value_in(config, "image_size")


def _network(node: dict[str, Any], num_classes: int, state: dict[str, Tensor], trusted: Collection[str]) -> nn.Module:
    """Builds the network, first without memory, so that a small file cannot allocate gigabytes."""
    build = options.named("model", node["_target_"], trusted)
    values = {key: value for key, value in node.items() if key != "_target_"}
    with shapes.only():
        expected = {
            name: tensor.shape for name, tensor in build(num_classes=num_classes, **values).state_dict().items()
        }
    for name in expected | state:
        if name not in expected or name not in state or expected[name] != state[name].shape:
            raise ValueError(f"{str(name)[:80]} is missing, or has another shape")
    return build(num_classes=num_classes, **values)
