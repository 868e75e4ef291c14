"""The settings of the page: the arguments of ``colourize app``."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from colourize.app.password import Password
from colourize.inference.opening import MAX_PIXELS

LOOPBACK = "127.0.0.1"
PORT = 7860
LARGEST = 200_000_000  # bytes of one photograph


@dataclass(frozen=True)
class Settings:
    """How the page is served.

    Attributes:
        files: photographs that every visitor finds on the page.
        models: networks to choose from, as ``--model`` takes them; at least one.
        runs: the folder whose runs the second tab shows.
        host: the address to listen on.
        port: 0 for any free port.
        password: asked of every visitor; None for none, which only the loopback address allows.
        device: as for ``inference.opened.opened``.
        trusted: as for ``inference.opened.opened``.
        largest: bytes of one photograph.
        max_pixels: of a frame.
        memory: bytes that pictures in work may take; None for half of the free memory.
        browser: whether the browser is opened.
    """

    files: tuple[Path, ...] = ()
    models: tuple[str, ...] = ("shipped",)
    runs: Path = Path("outputs")
    host: str = LOOPBACK
    port: int = PORT
    password: Password | None = None
    device: str = "auto"
    trusted: Collection[str] = ()
    largest: int = LARGEST
    max_pixels: int = MAX_PIXELS
    memory: int | None = None
    browser: bool = True

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host in (LOOPBACK, "localhost", "::1")
