"""Uses of a trained detector: boxes in pictures."""
