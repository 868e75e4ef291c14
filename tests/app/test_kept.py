"""What can be computed again is kept below one limit for all visitors; the longest unused goes first."""

from colourize.app.kept import Kept, Store


def test_all_visitors_together_stay_below_the_limit_and_the_longest_unused_goes_first():
    store = Store(most=30)
    one, two = Kept(store), Kept(store)
    for name in ("a", "b"):
        one.put(name, value=name, size=10)
    two.put("a", value="other", size=10)
    assert one.get("a") == "a" and two.get("a") == "other"
    two.put("c", value="c", size=10)
    assert one.get("b") is None and one.get("a") == "a"


def test_a_value_above_the_limit_is_kept_alone():
    kept = Kept(Store(most=10))
    kept.put("a", value=1, size=5)
    kept.put("b", value=2, size=50)
    assert (kept.get("a"), kept.get("b")) == (None, 2)


def test_a_visitor_forgets_only_its_own_values_and_their_room_is_free_again():
    store = Store(most=20)
    one, two = Kept(store), Kept(store)
    one.put("shown", 1, value=1, size=10)
    one.put("scores", 1, value=2, size=1)
    two.put("shown", 1, value=3, size=9)
    one.clear("shown")
    assert (one.get("shown", 1), one.get("scores", 1), two.get("shown", 1)) == (None, 2, 3)
    one.put("a", value=4, size=10)
    assert (one.get("scores", 1), two.get("shown", 1)) == (2, 3)
    one.clear()
    assert one.get("a") is None and two.get("shown", 1) == 3


def test_a_value_that_is_replaced_counts_once():
    kept = Kept(Store(most=10))
    kept.put("b", value=0, size=2)
    for number in range(5):
        kept.put("a", value=number, size=8)
    assert (kept.get("a"), kept.get("b")) == (4, 0)
