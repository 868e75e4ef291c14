"""Private and undocumented names of rich."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

USED = ("rich.console.Console()._file", "rich.file_proxy.FileProxy.rich_proxied_file")


class Proxy:
    """A stream that forwards to another one; rich finds the other stream as it does behind its own proxies."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream

    @property
    def behind(self) -> TextIO:
        """The stream behind this one."""
        return self.rich_proxied_file

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def raw(stream: Any) -> Any:
    """The stream behind all proxies, ours and rich's."""
    while hasattr(stream, "rich_proxied_file"):
        stream = stream.rich_proxied_file
    return stream


def clean_console(clean: Callable[[str], str], **options: Any) -> "Console":
    """A console of rich that writes to the stream behind all proxies, and passes its text through ``clean``."""
    from rich.console import Console, ConsoleOptions, RenderableType  # late: this module is imported at every TAB
    from rich.segment import Segment

    class CleanConsole(Console):
        @property
        def file(self) -> Any:  # rich looks behind one proxy only, and a moving bar adds another
            return raw(super().file)

        @file.setter
        def file(self, new_file: Any) -> None:
            self._file = new_file

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(clean(segment.text), segment.style)

    return CleanConsole(**options)
