"""``python -m colourize``."""

from colourize.cli.main import main

if __name__ == "__main__":
    main()
