"""Contestants of inference, built and called like those in ``contestants``. Each turn returns rates."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.contestants import Figures, Turn, knobs
from colourize.config.instantiate import instantiate
from colourize.kernels import allocator

BATCHES, SIDE = 10, 1024  # batches of 100 pictures of 32 x 32 per turn; side of the photo


def _network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return instantiate(knobs(f"model={name}")["model"]).eval().to(memory_format=torch.channels_last)


def _rates(predict: Callable[[Tensor], object]) -> Turn:
    small, photo = torch.rand(100, 1, 32, 32), torch.rand(1, 1, SIDE, SIDE)

    def turn() -> Figures:
        start = time.perf_counter()
        for _ in range(BATCHES):
            predict(small)
        middle = time.perf_counter()
        predict(photo)
        end = time.perf_counter()
        return {"pictures": 100 * BATCHES / (middle - start), "megapixels": SIDE**2 / 1e6 / (end - middle)}

    return turn


def torch_float32(name: str) -> Turn:
    """torch on the CPU in single precision."""
    allocator.keep()
    network = _network(name)

    def predict(grey: Tensor) -> Tensor:
        with torch.inference_mode():
            return network(grey).argmax(dim=1)

    return _rates(predict)


def torch_bf16(name: str) -> Turn:
    """torch on the CPU under autocast to bfloat16."""
    allocator.keep()
    network = _network(name)

    def predict(grey: Tensor) -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return network(grey).argmax(dim=1)

    return _rates(predict)


def onnxruntime(name: str) -> Turn:
    """onnxruntime on the CPU, with the network exported to ONNX."""
    import onnxruntime as runtime

    size = torch.export.Dim("n"), torch.export.Dim("h", min=8), torch.export.Dim("w", min=8)
    shapes = {"grey": {0: size[0], 2: 4 * size[1], 3: 4 * size[2]}}
    program = torch.onnx.export(
        _network(name), (torch.rand(2, 1, 64, 32),), dynamo=True, dynamic_shapes=shapes, verbose=False
    )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(program.model_proto.SerializeToString(), options)
    (given,) = session.get_inputs()

    def predict(grey: Tensor) -> Tensor:
        (logits,) = session.run(None, {given.name: grey.numpy()})
        return torch.from_numpy(logits).argmax(dim=1)

    return _rates(predict)
