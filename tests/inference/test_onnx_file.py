"""The reader of ONNX files against the library, and models that do more than a network of ours."""

import contextlib
import re

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from colourize.errors import shown
from colourize.inference import onnx_file


def model(nodes=None, initializers=(), **metadata):
    nodes = [helper.make_node("Relu", ["x"], ["y"])] if nodes is None else nodes
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, "h", "w"]) for name in "xy"]
    made = helper.make_model(helper.make_graph(nodes, "g", value[:1], value[1:], list(initializers)))
    helper.set_model_props(made, metadata)
    return made


def external():
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return tensor


def test_metadata_is_what_the_library_reads():
    made = model(colourize='{"a": 1}', other="ä")
    expected = {entry.key: entry.value for entry in made.metadata_props}
    assert onnx_file.metadata(made.SerializeToString()) == expected == {"colourize": '{"a": 1}', "other": "ä"}


def branch():
    graph = model().graph
    return helper.make_node("If", ["x"], ["y"], then_branch=graph, else_branch=graph)


def sparse():
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    return helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros(1, np.int64)), [4])


def with_sparse():
    made = model()
    made.graph.sparse_initializer.append(sparse())
    return made


def with_function():
    made = model()
    opset = [helper.make_opsetid("", 20)]
    made.functions.append(
        helper.make_function("own", "f", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opset)
    )
    return made


def with_training():
    made = model()
    made.training_info.add()
    return made


FOREIGN = helper.make_node("Steal", ["x"], ["y"], domain="my.company")
MORE = {
    "a custom operator": (lambda: model([FOREIGN]), "operators must belong to the ONNX standard, got my.company.Steal"),
    "external weights": (lambda: model(initializers=[external()]), "weights must be in the file itself"),
    "external constant": (
        lambda: model([helper.make_node("Constant", [], ["y"], value=external())]),
        "weights must be in the file itself",
    ),
    "a branch": (lambda: model([branch()]), "no loops or branches"),
    "sparse weights": (with_sparse, "weights must not be sparse"),
    "a sparse constant": (
        lambda: model([helper.make_node("Constant", [], ["y"], sparse_value=sparse())]),
        "weights must not be sparse",
    ),
    "a function": (with_function, "must not contain functions or a training graph"),
    "a training graph": (with_training, "must not contain functions or a training graph"),
    "huge metadata": (lambda: model(a="x" * (8 << 20)), "metadata must have <= 8,388,608 bytes"),
    "no graph": (onnx.ModelProto, "must have one graph, got 0"),
}


@pytest.mark.parametrize("name", MORE)
def test_a_model_that_does_more_is_refused(name):
    made, message = MORE[name]
    with pytest.raises(ValueError, match=message):
        onnx_file.metadata(made().SerializeToString())


@pytest.mark.parametrize("operator", ["ImageDecoder", "RandomNormal", "Loop", "relu", "Re\nlu", ""])
def test_an_operator_that_no_network_of_ours_has_is_refused_by_its_name(operator):
    rule = f"networks of colourize have no operator {shown(operator)}, so export its checkpoint to safetensors"
    with pytest.raises(ValueError, match=re.escape(rule)) as caught:
        onnx_file.metadata(model([helper.make_node(operator, ["x"], ["y"])]).SerializeToString())
    assert "\n" not in str(caught.value)


def test_a_second_graph_which_a_reader_would_merge_is_refused():
    content = model().SerializeToString()
    with pytest.raises(ValueError, match="must have one graph, got 2"):
        onnx_file.metadata(content + content)


def test_every_cut_of_a_file_is_refused_or_read():
    content = model(colourize="{}").SerializeToString()
    for end in range(len(content)):
        try:
            found = onnx_file.metadata(content[:end])
        except ValueError:
            continue
        assert found.keys() <= {"colourize"}


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_raise_nothing_but_valueerror(content):
    with contextlib.suppress(ValueError):
        onnx_file.metadata(content)
