import pytest

from colourize.data.classes import selected_classes
from colourize.errors import InputError


def test_a_name_comes_before_an_index():
    names = sorted(map(str, range(12)))  # 0, 1, 10, 11, 2, ...
    assert [names[index] for index in selected_classes(2, names)] == ["2"]
    assert [names[index] for index in selected_classes(["10", 9], names)] == ["10", "9"]


@pytest.mark.parametrize("classes", [0.5, None, -1, [None], {"a": 1}])
def test_a_value_that_is_neither_name_nor_index_is_refused(classes):
    with pytest.raises(InputError, match="pass some of cat, dog, 0 to 1, or all"):
        selected_classes(classes, ["cat", "dog"])
