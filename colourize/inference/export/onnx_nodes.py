"""Writes an ONNX graph as formulas: arithmetic of Python on values of the graph adds nodes to it."""

from typing import Any

import numpy as np


class Value:
    """A tensor of a graph. ``+ - * / @ < > <= >=`` add a node; numbers become float32 constants."""

    __array_ufunc__ = None  # numpy leaves ``array + value`` to us

    def __init__(self, graph: "Graph", name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: Any) -> "Value":
        return self.graph("Add", self, other)

    def __sub__(self, other: Any) -> "Value":
        return self.graph("Sub", self, other)

    def __rsub__(self, other: Any) -> "Value":
        return self.graph("Sub", other, self)

    def __mul__(self, other: Any) -> "Value":
        return self.graph("Mul", self, other)

    def __truediv__(self, other: Any) -> "Value":
        return self.graph("Div", self, other)

    def __rtruediv__(self, other: Any) -> "Value":
        return self.graph("Div", other, self)

    def __matmul__(self, other: Any) -> "Value":
        return self.graph("MatMul", self, other)

    def __lt__(self, other: Any) -> "Value":
        return self.graph("Less", self, other)

    def __gt__(self, other: Any) -> "Value":
        return self.graph("Greater", self, other)

    def __le__(self, other: Any) -> "Value":
        return self.graph("LessOrEqual", self, other)

    def __ge__(self, other: Any) -> "Value":
        return self.graph("GreaterOrEqual", self, other)

    __radd__, __rmul__ = __add__, __mul__


class Graph:
    """Nodes and constants in the making. Calling it adds a node: ``graph("Max", a, 1.0)``.

    Attributes:
        nodes: protocol buffers of ONNX, in their order.
        constants: the same, its initializers.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def __call__(self, operator: str, *inputs: Any, **attributes: Any) -> Value:
        """The first output of a new node."""
        from onnx import helper

        names = [each.name for each in map(self.value, inputs)]
        name = self._name()
        self.nodes.append(helper.make_node(operator, names, [name], name=name, **attributes))
        return Value(self, name)

    def value(self, number: Any) -> Value:
        """A value of the graph; of a number, a constant in float32; of an array, one in its own type."""
        from onnx import numpy_helper

        if isinstance(number, Value):
            return number
        array = np.asarray(number, None if isinstance(number, np.ndarray | np.generic) else np.float32)
        name = self._name()
        self.constants.append(numpy_helper.from_array(array, name))
        return Value(self, name)

    def cast(self, value: Value, type: type[Any]) -> Value:
        """The value in another type, such as ``numpy.float64``."""
        from onnx import helper

        return self("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(type)))

    def _name(self) -> str:
        self._count += 1
        return f"colour.{self._count}"
