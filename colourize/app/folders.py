"""Makes the private folder of a page's server, and removes the folders that killed servers have left."""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX, LOCK = "colourize-app-", "lock"
NAME = re.compile(rf"{PREFIX}\w{{8}}", re.ASCII)


@contextlib.contextmanager
def private() -> Iterator[Path]:
    """A new folder for temporary files, which only this user may enter; removed at the end.

    Its file ``lock`` names this machine and is locked as long as the process lives. Folders whose process was killed
    are removed first.
    """
    remove_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        begun = Path(folder) / f"{LOCK}.new"  # renamed once locked: a file of the final name without a lock is dead
        with begun.open("x") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(socket.gethostname())
            file.flush()
            begun.rename(Path(folder) / LOCK)
            yield Path(folder)


def remove_left() -> None:
    """Removes the private folders of dead processes of this user and this machine; others stay as they are.

    A folder must be a real one, belong to this user and be closed to others, so no other user controls its content.
    """
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for path in [entry.path for entry in entries if NAME.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                if _is_left(path):
                    shutil.rmtree(path)


def _is_left(path: str) -> bool:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != 0o700:
            return False
        lock = os.open(LOCK, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=folder)
        with os.fdopen(lock, errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError while its process lives
            return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and file.read(1024) == socket.gethostname()
    finally:
        os.close(folder)
