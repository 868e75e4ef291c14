"""Adaptors for private names of other libraries, one module for each library.

``USED`` in each module lists the private names. Only the functions and classes of that module use them; all other code
calls these functions. ``tests/test_private_attributes.py`` reports a name that a new version of a library has removed.
"""
