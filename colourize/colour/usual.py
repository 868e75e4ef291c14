"""The decoding of photographs where nobody chooses one. Has no imports, so that shell completion can use it too."""

TEMPERATURE = 0.4
DECODING = f"annealed:{TEMPERATURE}"
