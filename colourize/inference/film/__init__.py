"""Films. Frames are streamed and coloured in parts of a fixed length, which are kept until the film is complete.

``steady``, ``motion``, ``cuts``, ``flicker``, ``turned``, ``known`` and ``parts`` do not import PyAV (extra ``film``).
"""
