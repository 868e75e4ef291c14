"""A parser of HTML pages, for the tests of pages."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """``open``: unclosed elements; ``addresses``: all URLs that are fetched or linked. Wrong nesting fails."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
