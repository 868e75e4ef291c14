import json
import sys
from pathlib import Path

import numpy as np
import pytest

from colourize.cli.main import main
from colourize.course.arithmetic import description as describe_file
from colourize.course.arithmetic.description import describe
from colourize.course.arithmetic.picture import DIMMED, outputs_to_draw
from colourize.course.arithmetic.walk import walk
from colourize.errors import InputError
from tests.nets import COURSE, MODELS, network
from tests.read_figures import colours_at

NETS = Path(__file__).parent.parent.parent.parent / "docs/nets"
FLAT = "input: [3, 8, 8]\nlayers: [{convolution: {channels: 2}}, relu, {linear: 5}]\n"


@pytest.mark.parametrize("name", MODELS)
def test_every_network_is_described_with_both_conventions_and_both_sizes(name):
    stored = json.loads(describe([f"model={name}"], form="json"))
    assert [(each["convention"].split()[0], each["input"]) for each in stored["counts"]] == [
        ("without", [1, 32, 32]), ("without", [1, 64, 64]),
        ("with", [1, 32, 32]), ("with", [1, 64, 64]),
    ]  # fmt: skip
    assert stored["counts"][2]["totals"]["weights"] == sum(p.numel() for p in network(name).parameters())


def test_the_text_and_the_markdown_contain_the_numbers_of_the_json():
    words = ["model=unet", "kernel=5", "dilation=2", "image_size=16"]
    stored = json.loads(describe(words, form="json"))
    text, markdown = describe(words), describe(words, form="markdown")
    for each in stored["counts"]:
        for number in each["totals"].values():
            if number != each["totals"]["used"] and number != each["totals"]["memory"]:
                assert f"{number:,}" in text and f"| {number:,} |" in markdown
    values = "num_filters 32, num_colours 24, kernel 5, dilation 2, skips [half, full]"
    assert f"UNet ({values}), input 1 x 16 x 16 and 1 x 32 x 32" in text
    header = text.splitlines()[4].split("  ")
    assert header[0].strip() == "layer"


def test_the_handout_s_nets_and_their_fully_connected_twins():
    for file, weights, dense in (("handout.yaml", 45, 3_215_360), ("handout-32-64-3.yaml", 21_024, 235_667_456)):
        for twin, expected in ((False, weights), (True, dense)):
            stored = json.loads(describe([], NETS / file, dense=twin, form="json"))
            assert stored["counts"][0]["totals"]["weights"] == expected
    assert "outputs without those of pooling and upsampling: 1,344" in describe([], NETS / "handout.yaml")
    assert "1,664" in describe([], NETS / "handout.yaml", dense=True)


def test_a_chain_s_field_is_also_given_by_its_formula():
    text = describe([], NETS / "handout.yaml")
    assert text.endswith("field by the formula for chains: size 18, stride 4, start -7")
    rows = [line.split() for line in text.splitlines()]
    assert [row[-3:] for row in rows if row[:2] == ["4", "convolution"]] == 2 * [["18", "4", "-7"]]
    assert "formula for chains" not in describe(["model=unet"])


def test_pictures_of_twice_the_side_have_their_own_table():
    text = describe([], NETS / "handout.yaml")
    for convention in ("without", "with"):
        before, _, after = text.partition(f"\n{convention} biases and batch norm, input 3 x 64 x 64\n\n")
        assert f"\n{convention} biases and batch norm, input 3 x 32 x 32\n\nlayer  kind " in before
        header, _, *rows = [line.split() for line in after.partition("\n\n")[0].splitlines()]
        assert header == ["layer", "output", "weights", "outputs", "connections", "multiply-adds", "memory", "KiB"]
        assert len(rows) == 6 and rows[-1][0] == "total"
    assert rows[0][:5] == ["0", "1", "x", "64", "x"]


def test_a_network_with_a_fully_connected_layer_takes_one_size_and_sees_all(tmp_path):
    (tmp_path / "net.yaml").write_text(FLAT)
    text = describe([], tmp_path / "net.yaml")
    assert "net, input 3 x 8 x 8\n" in text
    rows = [line.split() for line in text.splitlines() if "fully connected" in line]
    assert [(row[4], row[-1]) for row in rows] == [("640", "all"), ("645", "all")]  # without and with biases


@pytest.mark.slow
def test_the_polynomials_are_printed_for_all_three_networks_or_a_chosen_one():
    text = describe([], symbolic=True)
    assert all(
        f"{name}, kernel 3, 64 x 64, with biases" in text for name in ("PoolUpsampleNet", "ConvTransposeNet", "UNet")
    )
    assert "9*NC**2 + 18*NC*NF + 9*NC*NIC + 36*NF**2 + 9*NF*NIC" in text
    stored = json.loads(describe(["model=unet", "kernel=2"], symbolic=True, form="json"))
    assert {each["network"] for each in stored} == {"UNet, kernel 2"}
    assert "| weights |" in describe(["model=convtranspose"], symbolic=True, form="markdown")


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws the field of a network; returns the file, and the arguments and result of ``field_figure``."""
    kept, original = [], describe_file.field_figure

    def keeping(*given):
        kept.append((*given[:3], original(*given)))
        return kept[-1][-1]

    monkeypatch.setattr(describe_file, "field_figure", keeping)

    def draw(*words):
        describe(*words, picture=tmp_path / "field.png")
        return tmp_path / "field.png", *kept[-1]

    return draw


def assert_shown(file, seen, landscape, outputs, figure):
    """Asserts that the file shows pixels in the field bright, and all others dimmed."""
    assert len(figure.axes) == len(outputs)
    places = [(column, row) for row, column in np.ndindex(landscape.shape[:2])]
    for axis, (row, column) in zip(figure.axes, outputs, strict=True):
        shown = colours_at(file, axis, places).reshape(landscape.shape)
        mask = seen.mask(row, column)
        expected = landscape * np.where(mask, 1.0, DIMMED)[..., None]
        assert np.abs(shown - expected).max(2)[~framed(axis, landscape.shape)].max() <= 1
        assert f"sees {mask.sum()} pixels" in axis.get_title()


def framed(axis, shape):
    """Pixels that the line of the frame may cover."""
    (frame,) = axis.patches
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    left, top = frame.get_xy()
    beside = [
        np.abs(place - edge) <= 1
        for place, edges in ((columns, (left, left + frame.get_width())), (rows, (top, top + frame.get_height())))
        for edge in edges
    ]
    return np.any(np.broadcast_arrays(*beside), axis=0)


@pytest.mark.parametrize("name", COURSE)
def test_the_field_is_drawn_over_a_landscape(name, drawn):
    file, seen, landscape, outputs, figure = drawn([f"model={name}"])
    assert outputs == outputs_to_draw(seen)
    assert_shown(file, seen, landscape, outputs, figure)


@pytest.mark.parametrize("net", ["handout.yaml", "handout-32-64-3.yaml"])
def test_the_fields_of_the_handout_s_nets_are_drawn_at_existing_outputs(net, drawn):
    file, seen, landscape, outputs, figure = drawn([], NETS / net)
    assert_shown(file, seen, landscape, outputs, figure)
    assert seen.shape == (8, 8) and all(row < 8 and column < 8 for row, column in outputs)
    for axis, (row, column) in zip(figure.axes, outputs, strict=True):
        (frame,) = axis.patches
        assert (frame.get_y(), frame.get_x()) == (4 * row - 0.5, 4 * column - 0.5)
        assert (frame.get_height(), frame.get_width()) == (4, 4)


def test_a_small_rectangular_picture_is_drawn_completely(tmp_path, drawn):
    (tmp_path / "net.yaml").write_text("input: [3, 4, 12]\nlayers: [{convolution: {channels: 2}}]\n")
    file, seen, landscape, outputs, figure = drawn([], tmp_path / "net.yaml")
    assert landscape.shape == (4, 12, 3) and seen.shape == (4, 12)
    assert_shown(file, seen, landscape, outputs, figure)


def test_fully_connected_units_see_the_whole_picture_in_every_form():
    stored = json.loads(describe([], NETS / "handout.yaml", dense=True, form="json"))
    for each in stored["counts"]:
        for layer in each["layers"]:
            assert (layer["rows"], layer["columns"], layer["whole"]) == (None, None, True)
            assert (layer["axes"] is None) == (layer["kind"] == "fully connected")
    rows = [line.split() for line in describe([], NETS / "handout.yaml", dense=True).splitlines()]
    assert [row[-1] for row in rows if row[:2] == ["1", "pooling"]] == ["all", "all"]


def test_a_network_is_counted_without_memory_for_its_weights(monkeypatch):
    devices = set()
    monkeypatch.setattr("colourize.course.arithmetic.description.walk", lambda network, shape: (
        devices.update(p.device.type for p in network.parameters()), walk(network, shape))[1])  # fmt: skip
    describe(["model=unet"])
    assert devices == {"meta"}


def test_the_polynomials_state_their_dilation():
    assert "UNet, kernel 3, dilation 2, 64 x 64" in describe(["model=unet", "dilation=2"], symbolic=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"overrides": ["kernel=0"]}, "kernel must be >= 1, got 0"),
        (
            {"overrides": ["model=unet"], "listed": NETS / "handout.yaml"},
            "defines the network; leave model=unet out",
        ),
        ({"overrides": [], "listed": NETS / "handout.yaml", "symbolic": True}, "leave --symbolic out"),
        ({"overrides": [], "symbolic": True, "dense": True}, "leave --fully-connected and --field out"),
        (
            {"overrides": [], "listed": NETS / "handout.yaml", "dense": True, "picture": Path("x.png")},
            "every unit sees the whole picture; leave --field x.png out",
        ),
        ({"overrides": ["model=lookup"], "picture": Path("x.png")}, "an unknown receptive field"),
        (
            {"overrides": [], "picture": Path("nowhere/x.png")},
            "there is no folder nowhere",
        ),
        ({"overrides": ["model=lookup"], "symbolic": True}, "num_in_channels"),
    ],
)
def test_conflicting_arguments_are_an_error(arguments, message):
    with pytest.raises(InputError, match=message):
        describe(**arguments)


def test_a_list_that_is_not_yaml_is_an_error(tmp_path):
    (tmp_path / "net.yaml").write_text("input: [3, 32")
    with pytest.raises(InputError, match=r"net\.yaml: "):
        describe([], tmp_path / "net.yaml")


def test_the_command_prints_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "describe", "model=poolupsample", "--markdown"])
    main()
    assert "| total |  |  | 49,248 | 126,976 | 13,352,960 |" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["colourize", "describe", "kernl=3"])
    with pytest.raises(SystemExit, match="colourize: .*did you mean kernel"):
        main()
