"""The page of ``colourize app``: photographs in colour, and the runs of a folder. Extra ``app`` (Gradio)."""
