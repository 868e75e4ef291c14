"""Opens a trained network from a file of any format: a checkpoint, a run folder, or an exported file."""

from collections.abc import Collection
from pathlib import Path

from colourize import files
from colourize.errors import InputError
from colourize.inference.onnx_predictor import OnnxPredictor
from colourize.inference.openvino_predictor import OpenvinoPredictor
from colourize.inference.predictor import Predictor
from colourize.runs import hub, shipped

DEVICES = "auto", "cpu", "cuda", "mps"
OTHERS = "pass the run, or export it as .onnx or .safetensors"


def opened(path: str | Path, device: str = "auto", trusted: Collection[str] = (), threads: int = 0) -> Predictor:
    """Opens a network.

    Args:
        path: shipped, a checkpoint, a run folder (its best checkpoint), a .safetensors, an .onnx or an .openvino file.
            The last two need no torch.
        device: auto (a GPU if there is one), cpu, cuda or mps; .onnx and .openvino always run on the CPU.
        trusted: packages whose networks a checkpoint may name, besides colourize's.
        threads: number of threads that compute a batch; 0 for one on each core. Several batches at a time are faster
            with one thread each. For a network of torch it holds for the whole process.

    Raises:
        InputError: the file does not exist, is damaged or was not written by colourize; or this machine has no such
            device.
    """
    place = files.expanded(hub.named(shipped.named(path)))
    if device not in DEVICES:
        raise InputError(f"--device must be one of {', '.join(DEVICES)}, got {device!r}")
    match place.suffix.lower():
        case ".onnx":
            return OnnxPredictor(place, threads)
        case ".openvino":
            return OpenvinoPredictor(place, threads)
        case ".torchscript" | ".pt":
            raise InputError(f"{path}: a TorchScript file can run any code, so it is not opened; {OTHERS}")
    import torch

    from colourize.config import options
    from colourize.inference.torch_predictor import TorchPredictor
    from colourize.models.folded import folded
    from colourize.runs import checkpoint
    from colourize.runs.trained import load

    if threads:
        torch.set_num_threads(min(threads, torch.get_num_threads()))
    trained = load(checkpoint.of_run(place), options.check_trusted(trusted))
    trained.model.network = folded(trained.model.network)
    return TorchPredictor(trained.model.to(device_of(device)), trained.config)


def device_of(name: str) -> str:
    """The name of torch's device: auto takes a GPU if there is one.

    Raises:
        InputError: an unknown name, or this machine has no such device.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name not in DEVICES:
        raise InputError(f"--device must be one of {', '.join(DEVICES)}, got {name!r}")
    if name == "auto":
        return next(each for each in ("cuda", "mps", "cpu") if there[each])
    if not there[name]:
        raise InputError(f"--device {name}: this machine has no such device; pass --device cpu")
    return name
