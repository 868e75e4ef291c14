"""A visitor's desk with networks in numpy, for tests of the page without a browser."""

from colourize.app.desk import Desk
from colourize.app.kept import Store
from colourize.app.room import Room
from colourize.inference.memory import Budget
from colourize.inference.opening import MAX_PIXELS
from tests.predictors import Pointwise


class Made:
    """Networks by name, as ``colourize.app.networks.Networks`` holds them."""

    def __init__(self, **predictors):
        self.predictors = predictors or {"first": Pointwise()}
        self.names = list(self.predictors)

    def get(self, name):
        return self.predictors[name]

    def path(self, name):
        return name

    def about(self, name):
        return name


def desk(folder, networks=None, room=1 << 30, store=1 << 26):
    return Desk(folder, networks or Made(), Budget(4_000_000_000), MAX_PIXELS, Room(room), Store(store))


def add(desk, path):
    """Puts a copy of a file on a desk, as an upload does."""
    number, place = desk.place(path.name)
    place.write_bytes(path.read_bytes())
    desk.add(number, place)
    return number
