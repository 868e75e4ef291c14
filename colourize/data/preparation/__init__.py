"""Makes a user's own pictures ready for training: examines, removes duplicates, splits, resizes and describes.

``preparation.run.prepare`` does all of it; each other file is a step.
"""
