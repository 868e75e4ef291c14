"""Two sentences about a network, from its card: what it was trained on, and how far to trust it."""

from typing import Any

from colourize.inference.predictor import Card

GUESSES = (
    "Its colours are guesses that look likely, and rare things get the colours of common ones: do not use them as "
    "evidence of what the colours were"
)


def sentences(card: Card) -> str:
    """What a network was trained on, and how far to trust it.

    Args:
        card: of the network; its configuration may come from a stranger and is only quoted.
    """
    return f"**{_plain(card.name)}** was trained on {_data(card.config)} at {card.size} pixels, and chooses among " \
           f"{len(card.palette)} colours. {GUESSES}."  # fmt: skip


def _data(config: dict[str, Any]) -> str:
    data = config.get("data")
    kind = str(data.get("_target_", "")).rsplit(".", 1)[-1] if isinstance(data, dict) else ""
    return {"Cifar10": "CIFAR-10", "Scenes": "drawn landscapes"}.get(kind, "photographs")


def _plain(text: str) -> str:
    return "".join(each for each in text if each.isalnum() or each in " ._-/")[:80]
