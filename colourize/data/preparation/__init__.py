"""A person's own pictures made ready for training: examined, freed of duplicates, split, resized and described.

``preparation.run.prepare`` is the whole of it; each other file is a step.
"""
