"""Measures of detectors: compares their boxes with the true boxes."""
