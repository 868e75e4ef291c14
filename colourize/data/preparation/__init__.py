"""Makes a user's own pictures ready for training: examines, removes duplicates, splits, resizes and describes.

``preparation.run.prepare`` does all steps; each other file is one step.
"""
