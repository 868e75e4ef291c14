"""Runs an exported network with onnxruntime, without torch or Hydra. N pictures, K colours."""

from pathlib import Path
from typing import Any

from colourize import files
from colourize.errors import InputError, one_line, to_install
from colourize.inference import cards, onnx_file
from colourize.inference.predictor import Floats
from colourize.inference.sides import CHANNELS, scored_by_file

SUFFIX = ".onnx"
LARGEST = 2 << 30  # bytes, the limit of ONNX itself


class OnnxPredictor:
    """Scores of a network in an .onnx file from ``colourize export``. The file may come from a stranger.

    Args:
        path: of the file.
        threads: number of threads; 0 for one on each core.

    Raises:
        InputError: the file does not exist, is damaged, is not a plain network (``onnx_file``) or has no valid card
            (``cards``); or onnxruntime is not installed.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        path = files.expanded(path)
        content = _read(path)
        try:
            stored = onnx_file.metadata(content)
        except ValueError as error:
            raise InputError(
                f"{path} is damaged or not from colourize export: {one_line(error)}; pass another file"
            ) from error
        if cards.WHOLE in stored:
            raise InputError(f"{path} is a whole graph for other programs; pass one exported without --whole")
        if cards.KEY not in stored:
            raise InputError(f"{path} was not written by colourize export: it has no card; pass another file")
        self.path = path
        self.card = cards.parsed(stored[cards.KEY], path)
        self.session = _session(content, threads, path)
        self._check()

    def logits(self, grey: Floats) -> Floats:
        """Scores of grey pictures of any size: float32 [N, 1, h, w] in [0, 255/256] -> [N, K, h / s, w / s].

        A network with hints takes [N, 5, h, w], too (``colour.hints``).

        Raises:
            InputError: the file's graph fails or does not give scores.
        """
        name = self.session.get_inputs()[0].name
        return scored_by_file(lambda full: self.session.run(None, {name: full})[0], grey, self.card, self.path)

    def _check(self) -> None:
        """Raises InputError where the graph's inputs or outputs are not those that ``colourize export`` writes."""
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        for kind, found in (("input", inputs), ("output", outputs)):
            if [(each.type, len(each.shape)) for each in found] != [("tensor(float)", 4)]:
                raise InputError(f"{self.path}: it must have one {kind}, float32 with four axes; pass another file")
        channels = CHANNELS if self.card.hints else 1
        if inputs[0].shape[1] != channels:
            raise InputError(f"{self.path}: its input must have {channels} channels, got {inputs[0].shape[1]}")


def _read(path: Path) -> bytes:
    try:
        return files.read_bytes(path, LARGEST)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; pass one that colourize export wrote") from error
    except ValueError as error:
        raise InputError(f"{one_line(error)}; pass another file") from error


def _session(content: bytes, threads: int, path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(f"{path} requires onnxruntime; install it by {to_install('onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal errors only: we print its exceptions ourselves
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.load_model_format", "ONNX")  # its own format was not checked
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen kinds, none of which is public
        raise InputError(f"{path} is damaged or too new ({one_line(error)[:200]}); export it again") from error
