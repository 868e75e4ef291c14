"""Runs an exported network with OpenVINO, without torch. N pictures, K colours."""

from pathlib import Path
from typing import Any

import numpy as np

from colourize import files
from colourize.errors import InputError, one_line
from colourize.inference import cards, openvino_file
from colourize.inference.predictor import Floats
from colourize.inference.sides import scored_by_file


class OpenvinoPredictor:
    """Scores of a network in an .openvino file from ``colourize export``.

    Args:
        path: of the file.
        threads: number of threads; 0 for one on each core.

    Raises:
        InputError: the file does not exist, is damaged or has no valid card; or OpenVINO is not installed.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        self.path = files.expanded(path)
        parts = openvino_file.parts(self.path)
        self.card = cards.parsed(parts.card, self.path)
        self.network = _compiled(parts, threads, self.path)

    def logits(self, grey: Floats) -> Floats:
        """Scores of grey pictures of any size: float32 [N, 1, h, w] in [0, 255/256] -> [N, K, h / s, w / s].

        A network with hints takes [N, 5, h, w], too (``colour.hints``).

        Raises:
            InputError: the file's graph fails or does not give scores.
        """
        return scored_by_file(lambda full: np.array(self.network([full])[0]), grey, self.card, self.path)


def _compiled(parts: openvino_file.Parts, threads: int, path: Path) -> Any:
    openvino = openvino_file.library(str(path))
    try:
        core = openvino.Core()
        model = core.read_model(parts.graph, parts.weights)
        return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads})
    except Exception as error:
        raise InputError(f"{path} is damaged or too new ({one_line(error)[:200]}); export it again") from error
