"""Measures of detectors: what they found against the true boxes."""
