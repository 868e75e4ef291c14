"""What we use of other libraries that they call private, one module for each library.

``USED`` of a module lists the names, and the functions and classes there are the only users of them; all other code
calls those. ``tests/test_private_attributes.py`` names an entry that a new version of a library no longer has.
"""
