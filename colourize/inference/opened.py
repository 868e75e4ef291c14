"""The network of a file, whatever its format: a checkpoint, a run folder, or an exported file."""

from collections.abc import Collection
from pathlib import Path

from colourize import files
from colourize.errors import InputError
from colourize.inference.onnx_predictor import OnnxPredictor
from colourize.inference.openvino_predictor import OpenvinoPredictor
from colourize.inference.predictor import Predictor
from colourize.runs import shipped

DEVICES = "auto", "cpu", "cuda", "mps"
OTHERS = "pass the run, or export it as .onnx or .safetensors"


def opened(path: str | Path, device: str = "auto", trusted: Collection[str] = ()) -> Predictor:
    """A network in use.

    Args:
        path: shipped, a checkpoint, a run folder (its best checkpoint), a .safetensors, an .onnx or an .openvino file.
            The last two need no torch.
        device: auto (a GPU if there is one), cpu, cuda or mps; of .onnx and .openvino always the CPU.
        trusted: packages whose networks a checkpoint may name beside ours.

    Raises:
        InputError: no such file, a damaged one, one that colourize did not write, or a device that is not there.
    """
    place = files.expanded(shipped.named(path))
    if device not in DEVICES:
        raise InputError(f"--device must be one of {', '.join(DEVICES)}, got {device!r}")
    match place.suffix.lower():
        case ".onnx":
            return OnnxPredictor(place)
        case ".openvino":
            return OpenvinoPredictor(place)
        case ".torchscript" | ".pt":
            raise InputError(f"{path}: a TorchScript file can run what its author likes, so it is not opened; {OTHERS}")
    from colourize.config import options
    from colourize.inference.torch_predictor import TorchPredictor
    from colourize.runs import checkpoint

    trained = checkpoint.load(checkpoint.of_run(place), options.check_trusted(trusted))
    return TorchPredictor(trained.model.to(_device(device)), trained.config)


def _device(name: str) -> str:
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(each for each in ("cuda", "mps", "cpu") if there[each])
    if not there[name]:
        raise InputError(f"--device {name} is not there; pass --device cpu")
    return name
