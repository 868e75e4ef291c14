"""``python -m colourize``."""

from colourize.cli.main import program

if __name__ == "__main__":
    program()
