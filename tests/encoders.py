"""A small encoder of timm, so that tests take seconds: 82,300 weights, features of strides 2 to 32."""

from pathlib import Path

import timm
import torch

NAME = "test_efficientnet"


def weights(folder: Path) -> Path:
    """A file of weights that a random seed has made."""
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
