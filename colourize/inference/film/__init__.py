"""Films. Frames are streamed and coloured in parts of a fixed length, which are kept until the film is whole.

All modules here but ``steady``, ``flow``, ``cuts`` and ``flicker`` require PyAV (extra ``film``).
"""
