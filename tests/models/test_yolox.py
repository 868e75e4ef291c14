"""YOLOX computes what the published export computes, on real pictures."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from colourize.errors import InputError
from colourize.models import yolox_weights
from colourize.models.yolox import FILL, STRIDES, YOLOX, corners
from colourize.models.yolox_blocks import Conv, Focus
from colourize.models.yolox_weights import read

onnx = pytest.importorskip("onnx")
PLACES = [folder / "shared/data" for folder in list(Path(__file__).parents)[2:]]


def letterboxed(path, side=416):
    """Blue, green, red [1, 3, side, side] in 0 to 255; the picture at the top left."""
    picture = Image.open(path).convert("RGB")
    scale = side / max(picture.size)
    small = np.asarray(picture.resize([round(length * scale) for length in picture.size], Image.Resampling.BILINEAR))
    canvas = np.full((side, side, 3), FILL, np.float32)
    canvas[: small.shape[0], : small.shape[1]] = small
    return canvas.transpose(2, 0, 1)[None, ::-1].copy()


def shared(name):
    found = next((place / name for place in PLACES if (place / name).exists()), None)
    return found if found is not None else pytest.skip(f"requires shared/data/{name} beside the checkout")


def small(**values):
    return YOLOX(**{"num_classes": 3, "depth": 0.33, "width": 0.0625, "depthwise": True, **values})


def test_the_published_weights_give_the_outputs_of_onnxruntime():
    onnxruntime = pytest.importorskip("onnxruntime")
    file = shared("yolox_nano.onnx")
    network = YOLOX().eval()
    network.load_state_dict(read(file, network))
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for name in ("kodim04", "kodim14", "kodim23"):
        inputs = letterboxed(shared(f"kodak/{name}.webp"))
        (expected,) = session.run(None, {"images": inputs})
        with torch.no_grad():
            raw = network(torch.from_numpy(inputs))
        found = torch.cat((raw.boxes, raw.objects[..., None].sigmoid(), raw.classes.sigmoid()), dim=-1)
        assert (expected[0, :, 4] * expected[0, :, 5:].max(axis=1)).max() > 0.5  # it sees something
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("width", "depthwise", "millions"), [(0.25, True, 0.91), (0.375, False, 5.06)])
def test_nano_and_tiny_have_the_published_numbers_of_weights(width, depthwise, millions):
    with torch.device("meta"):
        network = YOLOX(80, 0.33, width, depthwise)
    assert round(sum(each.numel() for each in network.parameters()) / 1e6, 2) == millions


def randomized(network):
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                tensor.data.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return network.eval()


def exported(network, file, order):
    """A graph with the convolutions of a network, batch norms included, in the given order."""
    nodes, weights = [], []
    for index, (_, layer) in enumerate(order):
        fused = fuse_conv_bn_eval(layer.conv, layer.bn) if isinstance(layer, Conv) else layer
        for name, tensor in (("w", fused.weight), ("b", fused.bias)):
            weights.append(onnx.numpy_helper.from_array(tensor.detach().numpy(), f"{name}{index}"))
        nodes.append(onnx.helper.make_node("Conv", ["x", f"w{index}", f"b{index}"], [f"y{index}"]))
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None)
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [value], [], weights)), str(file))


def executed(network):
    """Convolutions in the order of execution, by the call of torch's own function."""
    order, plain = [], torch.nn.functional.conv2d
    owner = {id(layer.conv.weight): layer for layer in network.modules() if isinstance(layer, Conv)}
    owner |= {
        id(layer.weight): layer for part in ("cls", "reg", "obj") for layer in getattr(network.head, f"{part}_preds")
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            nn.functional, "conv2d", lambda x, w, *rest: order.append(("", owner[id(w)])) or plain(x, w, *rest)
        )
        network(torch.zeros(1, 3, 32, 32))
    return order


@pytest.mark.parametrize("depthwise", [True, False])
def test_an_export_without_batch_norms_gives_the_same_outputs(tmp_path, depthwise):
    torch.manual_seed(0)
    network, other = randomized(small(depthwise=depthwise)), small(depthwise=depthwise).eval()
    exported(network, tmp_path / "net.onnx", executed(network))
    other.load_state_dict(read(tmp_path / "net.onnx", other))
    pictures = torch.rand(2, 3, 64, 96) * 255
    for first, second in zip(network(pictures), other(pictures), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-3)


def test_published_names_become_ours(tmp_path):
    network = small()
    names = {"backbone.": "backbone.backbone.", "neck.": "backbone.", "head.": "head."}
    state = {
        names[start] + name.removeprefix(start): tensor
        for name, tensor in network.state_dict().items()
        for start in names
        if name.startswith(start)
    }
    torch.save({"model": state, "start_epoch": 300}, tmp_path / "net.pth")
    found = read(tmp_path / "net.pth", small())
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in network.state_dict().items())


def test_a_head_of_other_classes_is_read_and_another_network_refused(tmp_path):
    torch.save(small(num_classes=5).state_dict(), tmp_path / "five.pth")
    assert read(tmp_path / "five.pth", small())["head.cls_preds.0.weight"].shape[0] == 5
    torch.save(small(width=0.125).state_dict(), tmp_path / "wide.pth")
    with pytest.raises(InputError, match=r"is \[.*pass weights of this network"):
        read(tmp_path / "wide.pth", small())


class Code:
    def __reduce__(self):
        return print, ("code ran",)


def test_a_file_never_runs_code(tmp_path, capsys):
    torch.save({"model": Code()}, tmp_path / "net.pth")
    with pytest.raises(InputError, match="must contain only tensors"):
        read(tmp_path / "net.pth", small())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("a.onnx", b"no", "is damaged"), ("a.pth", b"no", "must contain only"), ("b.pth", None, "no such file")],
)
def test_a_bad_file_is_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name, small())
    assert "\n" not in str(caught.value)


def test_weights_outside_the_onnx_file_are_refused(tmp_path):
    network = small().eval()
    exported(network, tmp_path / "in.onnx", executed(network))
    model = onnx.load(tmp_path / "in.onnx")
    onnx.save(model, str(tmp_path / "out.onnx"), save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(InputError, match="in the file itself"):
        read(tmp_path / "out.onnx", small())


def test_without_network_the_published_weights_are_one_line(monkeypatch, tmp_path):
    def fails(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fails)
    with pytest.raises(InputError, match="cannot be downloaded .no route to host.; pass init_from=FILE"):
        yolox_weights.published(YOLOX(width=0.25))
    with pytest.raises(InputError, match="no weights are published for width 0.0625"):
        yolox_weights.published(small())


def test_focus_puts_blocks_of_four_pixels_into_channels():
    focus = Focus(1, 4).eval()
    seen = []
    focus.conv.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    focus(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert seen[0].flatten().tolist() == [1, 3, 2, 4]  # top left, bottom left, top right, bottom right


def test_places_are_cells_of_all_strides_and_corners_undo_the_coding():
    raw = small().eval()(torch.zeros(1, 3, 64, 32))
    expected = [(x, y, s) for s in STRIDES for y in range(64 // s) for x in range(32 // s)]
    assert [(*cell, s) for cell, s in zip(raw.cells.tolist(), raw.strides.tolist(), strict=True)] == expected
    zero = raw._replace(boxes=torch.tensor([0.5, 0.25, math.log(2), math.log(4)]).expand_as(raw.boxes))
    for (x, y, s), box in zip(expected, corners(zero)[0].tolist(), strict=True):
        assert box == pytest.approx([(x - 0.5) * s, (y - 1.75) * s, (x + 1.5) * s, (y + 2.25) * s])


def test_a_new_head_expects_few_objects():
    head = small().head
    for layer in (*head.cls_preds, *head.obj_preds):
        torch.testing.assert_close(layer.bias.sigmoid(), torch.full_like(layer.bias, 0.01))
