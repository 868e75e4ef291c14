"""Network arithmetic: counts and receptive fields, computed from the networks themselves; convolutions by hand."""
