"""The check of accessibility itself: it waits until a page is built."""

import pytest

from tests.accessibility import findings

pytestmark = pytest.mark.slow


def test_what_is_shown_while_a_page_is_built_is_no_finding(page):
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p class=loading>Loading...</p>')")
    page.evaluate("setTimeout(() => document.querySelector('body > .loading').remove(), 500) && 0")
    assert findings(page) == []


def test_what_stays_outside_the_landmarks_is_one(page):
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p class=lost>Lost</p>')")
    assert findings(page) == [("moderate", "region", [[".lost"]])]
