"""Pictures with boxes, for detection."""

from colourize.data.boxes.source import load

__all__ = ["load"]
