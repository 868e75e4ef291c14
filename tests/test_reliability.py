"""docs/reliability.md states the expectations of the tests of faults, and its commands run."""

import re
from pathlib import Path

from tests.faults.matrix import EXPECTED, NOT_YET

PAGE = (Path(__file__).parent.parent / "docs/reliability.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.*?) \| .*? \| (.*?) \|$", PAGE, re.M)


def test_every_case_is_on_the_page_with_its_expected_result():
    assert {int(number): expected for number, expected, _ in ROWS} == EXPECTED


def test_missing_features_are_not_listed_as_passing():
    for number, _, own in ROWS:
        assert not (int(number) in NOT_YET and own == "passes"), number


def test_every_case_has_a_test_or_a_reason_why_not():
    tests = "".join(file.read_text() for file in (Path(__file__).parent / "faults").glob("test_*.py"))
    tested = {int(number) for number in re.findall(r"mark\.case\((\d+)\)", tests)}
    assert tested | NOT_YET.keys() == EXPECTED.keys()
