"""Quantizes an ONNX network to 8-bit weights and activations: a quarter of the bytes, but other scores."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from colourize.errors import InputError, one_line, to_install
from colourize.inference.export.onnx_graph import INPUT
from colourize.inference.predictor import Floats


def int8(content: bytes, batches: Sequence[Floats]) -> bytes:
    """Static quantization of every convolution, with one scale for each channel of the weights.

    The ranges of the activations come from ``batches``. Other operators stay in float32.

    Args:
        content: an ONNX file that ``onnx_graph`` made.
        batches: the network's inputs, [N, 1 or 5, h, w] each.

    Raises:
        InputError: onnxruntime or onnx is not installed, or refuses this network.
    """
    try:
        import onnx
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise InputError(f"--int8 requires onnx and onnxruntime; install them by {to_install('export')}") from error

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.left: Iterator[Floats] = iter(batches)

        def get_next(self) -> dict[str, Floats] | None:
            return next(({INPUT: batch} for batch in self.left), None)

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        before, ready, after = (Path(folder) / name for name in ("float.onnx", "ready.onnx", "int8.onnx"))
        before.write_bytes(content)
        try:
            quant_pre_process(before, ready, skip_symbolic_shape=True)
            quantization.quantize_static(
                ready, after, Reader(), quantization.QuantFormat.QDQ, ["Conv", "ConvTranspose"], per_channel=True
            )
        except Exception as error:  # onnxruntime raises a dozen types
            raise InputError(f"onnxruntime cannot quantize it ({one_line(error)[:200]}); leave --int8 out") from error
        proto = onnx.load(after)
    kept = onnx.load_from_string(content).metadata_props
    proto.ClearField("metadata_props")
    proto.metadata_props.extend(kept)
    return proto.SerializeToString()
