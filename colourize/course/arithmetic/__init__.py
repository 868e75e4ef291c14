"""Network arithmetic: counts, receptive fields and worked convolutions, computed from the networks themselves."""
