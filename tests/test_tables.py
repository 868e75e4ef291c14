from colourize.tables import as_markdown, as_text

ROWS = [["name", "count", "share"], ["a|b", "1,234", "0.5"], ["longer", "7", ""]]


def test_numbers_stand_right_and_words_left():
    assert as_text(ROWS).splitlines() == [
        "name    count  share", "--------------------", "a|b     1,234    0.5", "longer      7"
    ]  # fmt: skip


def test_markdown_keeps_bars_in_cells():
    assert as_markdown(ROWS).splitlines()[:3] == [
        "| name | count | share |", "| --- | --: | --: |", "| a\\|b | 1,234 | 0.5 |"
    ]  # fmt: skip


def test_a_table_without_rows_is_its_header():
    assert as_text([["a", "b"]]) == "a  b\n----"
    assert as_markdown([["a", "b"]]) == "| a | b |\n| --- | --: |"
