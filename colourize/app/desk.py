"""The photographs and choices of one visitor of the page. This module does not use Gradio."""

import contextlib
import secrets
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from colourize.app import held as holding
from colourize.app import room as rooms
from colourize.app.held import Held
from colourize.app.kept import Kept, Store
from colourize.app.networks import Networks
from colourize.app.remembering import Remembering
from colourize.app.room import Room
from colourize.app.steering import Steering
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference import referred
from colourize.inference.hinted import MOST as MOST_HINTS
from colourize.inference.hinted import Hint
from colourize.inference.memory import Budget
from colourize.inference.space import Floats

MOST = 50  # photographs of one visitor
SHOWN = "shown"  # key of rendered pictures in the store


class Desk:
    """One visitor's photographs. All methods may be called from any thread; one works at a time.

    Args:
        folder: private; made here, removed by ``close``.
        networks: to choose from.
        budget: of memory, shared by all visitors.
        max_pixels: of a frame.
        room: on disk, shared by all visitors.
        store: for values that can be computed again, shared by all visitors.
    """

    def __init__(
        self, folder: Path, networks: Networks, budget: Budget, max_pixels: int, room: Room, store: Store
    ) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self.folder, self.networks, self.budget, self.max_pixels = folder, networks, budget, max_pixels
        self.room, self.kept = room, Kept(store)
        self.steering = Steering(networks.names[0])
        self.photographs: dict[str, Held] = {}
        self.current = ""
        self.reference: Path | None = None
        self.number, self.version = secrets.token_hex(8), 0
        self._opened = False
        self.lock = threading.RLock()
        self._palettes: dict[tuple[str, int, Path], Floats] = {}

    @property
    def held(self) -> Held | None:
        """The photograph that is shown."""
        return self.photographs.get(self.current)

    def predictor(self, model: str = "") -> Remembering:
        """The chosen network, or another one, with the memory of this visitor."""
        name = model or self.steering.model
        return Remembering(self.networks.get(name), name, self.kept)

    def place(self, name: str) -> tuple[str, Path]:
        """A new number and a new file for an upload named ``name``.

        Raises:
            InputError: the visitor has too many photographs, or the disk is full.
        """
        with self.lock:
            if len(self.photographs) >= MOST:
                raise InputError(f"{MOST} photographs are open; remove some of them first")
            rooms.check(self.folder)
            number = secrets.token_hex(8)
            folder = self.folder / number
            folder.mkdir(mode=0o700)
            return number, folder / holding.safe_name(name)

    def write(self, path: Path, part: bytes) -> None:
        """Appends a part to a file of ``place``.

        Raises:
            InputError: the visitor's files take too much room.
            OSError: the disk is full, or the visitor was removed.
        """
        self.room.take(self.folder.name, path.parent.name, len(part))
        with path.open("ab") as file:
            file.write(part)

    def discard(self, path: Path) -> None:
        """Removes a file of ``place``."""
        shutil.rmtree(path.parent, ignore_errors=True)
        self.room.give(self.folder.name, path.parent.name)

    def add(self, number: str, path: Path) -> None:
        """Opens the photograph of ``place`` and shows it.

        Raises:
            UnreadablePicture, InputError: as ``held.held``; its file is removed.
        """
        with self.lock:
            try:
                if len(self.photographs) >= MOST:  # several came at once
                    raise InputError(f"{MOST} photographs are open; remove some of them first")
                card = self.networks.get(self.steering.model).card
                self.photographs[number] = holding.held(
                    path, card, self.steering.size, self.max_pixels, self.budget, self.kept
                )
            except BaseException:
                self.discard(path)
                raise
            self.current = number
            self._changed()

    def open_once(self, paths: Sequence[Path]) -> None:
        """Opens copies of files at the first call; one that cannot be opened is left out (``server`` checks them)."""
        with self.lock:
            waiting, self._opened = [] if self._opened else paths, True
            for path in waiting:
                with contextlib.suppress(OSError, UnreadablePicture, InputError):
                    number, place = self.place(path.name)
                    self.room.take(self.folder.name, number, path.stat().st_size)
                    shutil.copyfile(path, place)
                    self.add(number, place)

    def refer(self, path: Path | None) -> None:
        """Takes the colours of another photograph; None ends this.

        Raises:
            InputError: it cannot be read, or is grey; its file is removed.
        """
        with self.lock:
            before, self.reference = self.reference, path
            try:
                self.palette()
            except BaseException:
                self.reference = before
                if path is not None:
                    self.discard(path)
                raise
            if before is not None:
                self.discard(before)
            self._changed()

    def palette(self) -> Floats | None:
        """The palette from the reference for the chosen network; None without a reference."""
        if self.reference is None:
            return None
        key = self.steering.model, self.steering.size, self.reference
        if key not in self._palettes:
            self._palettes = {key: referred.of_file(self.predictor(), self.reference, self.steering.size or None)}
        return self._palettes[key]

    def show(self, number: str) -> None:
        """Shows another photograph.

        Raises:
            InputError: it is not open.
        """
        with self.lock:
            self.needed(number)
            if self.current != number:
                self.current = number
                self.version += 1

    def remove(self, number: str) -> None:
        """Removes a photograph and its file; an unknown number has no effect."""
        with self.lock:
            gone = self.photographs.pop(number, None)
            if gone is not None:
                self.discard(gone.path)
                self.kept.clear()
                if self.current == number:
                    self.current = next(reversed(self.photographs), "")
                self._changed()

    def steer(self, steering: Steering) -> None:
        """Applies choices.

        Raises:
            InputError: an unknown network.
        """
        with self.lock:
            if steering.model not in self.networks.names:
                raise InputError(f"the page has no network {steering.model!r}; reload it")
            if steering != self.steering:
                self.steering = steering
                self._changed()

    def hint(self, hint: Hint) -> None:
        """Adds a colour at a pixel of the photograph.

        Raises:
            InputError: outside of the picture, or too many.
        """
        with self.lock:
            held = self.needed()
            height, width = held.size
            if not (0 <= hint.x < width and 0 <= hint.y < height):
                raise InputError(f"a place must be in the picture of {width} x {height} pixels, got {hint.x},{hint.y}")
            if len(held.hints) >= MOST_HINTS:
                raise InputError(f"a photograph can have at most {MOST_HINTS} colours set; undo some of them")
            held.hints.append(hint)
            self._changed()

    def unhint(self, everything: bool = False) -> None:
        """Takes back the last colour, or all of them."""
        with self.lock:
            held = self.needed()
            del held.hints[0 if everything else -1 :]
            self._changed()

    def close(self) -> None:
        """Removes all files and forgets all."""
        with self.lock:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.photographs.clear()
            self.kept.clear()
            self.room.give(self.folder.name)

    def needed(self, number: str = "") -> Held:
        """A photograph, or the one that is shown.

        Raises:
            InputError: it is not open.
        """
        found = self.photographs.get(number or self.current)
        if found is None and number:
            raise InputError("this photograph is no longer open; choose another one")
        if found is None:
            raise InputError("there is no photograph yet; drop one on the page")
        return found

    def _changed(self) -> None:
        self.version += 1
        self.kept.clear(SHOWN)
