"""A small encoder of timm, so that tests take seconds: 82,300 weights, features of strides 2 to 32."""

from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import register_model

NAME = "test_efficientnet"


@register_model
def small_same(pretrained: bool = False, **values: Any) -> torch.nn.Module:
    """The small encoder with the padding, the activation and the batch norm of ``tf_efficientnet_lite0``."""
    return timm.create_model(NAME, pad_type="same", act_layer="relu6", bn_eps=1e-3, **values)


def weights(folder: Path) -> Path:
    """A file of random weights."""
    torch.manual_seed(3)
    network = timm.create_model(NAME)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
    torch.save(network.state_dict(), folder / "encoder.pth")
    return folder / "encoder.pth"


def words(folder: Path) -> list[str]:
    """Knobs of a network on this encoder."""
    return ["model=encoder_unet", f"model.encoder={NAME}", f"encoder_weights={weights(folder)}"]
