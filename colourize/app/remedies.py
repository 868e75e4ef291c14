"""Errors of the commands in the words of the page, whose visitor passes no options."""

import re

WORDS = (
    (re.compile(r"pass a smaller --size, --tiles or --jobs 1"), "choose less detail, or a smaller photograph"),
    (re.compile(r"pass (a )?(--max-pixels|--max-memory)"),
     r"choose a smaller picture, or start colourize app with \1\2"),
    (re.compile(r"more than --max-memory (\S+); pass a larger one, or a smaller picture or --size"),
     r"more than the limit of \1B; choose a smaller picture or less detail, "
     r"or start colourize app with a larger --max-memory"),
    (re.compile(r"a picture of a known format$"),
     "a picture of a known format; choose a JPEG, PNG, TIFF, WebP or AVIF file, or install pillow-heif for HEIC"),
    (re.compile(r"pass --format (\w+)"), r"choose the format \1 for the download"),
)  # fmt: skip


def on_page(text: str) -> str:
    """An error for the visitor of the page, with a remedy."""
    for pattern, words in WORDS:
        text = pattern.sub(words, text)
    return text if ";" in text else f"{text}; choose another file"
