"""The networks of conf/model, by discovery."""

from pathlib import Path

from torch import nn

from colourize.config.folder import conf_dir
from colourize.config.instantiate import instantiate
from tests.conftest import knobs

DETECTORS = ("yolox", "yolox_nano", "yolox_tiny", "yolov3", "torchvision_detector")
MODELS = sorted(path.stem for path in (Path(conf_dir()) / "model").glob("*.yaml") if path.stem not in DETECTORS)
FLOORS = ("lookup", "prior")  # counted, not trained
COURSE = ("poolupsample", "convtranspose", "unet")


def network(name: str, **values: int) -> nn.Module:
    return instantiate(knobs(f"model={name}", *(f"{key}={value}" for key, value in values.items()))["model"])
