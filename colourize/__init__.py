"""colourize: train, compare, sweep and use image colourization networks."""

__version__ = "0.1.0"
