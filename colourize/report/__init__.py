"""``colourize report``: the results of a sweep on one page. This package does not import torch."""
