"""Pictures in shards: tar files in a folder, on a web server or in an object store, with an index of each split.

The format is WebDataset's: ``train-00000.tar`` contains one file for each picture, ``horse/a-1f3c9d20.webp``, whose
first folder is its class. ``train.json`` and ``val.json`` list the shards of a split as ``wids`` does: name, number of
pictures, bytes, MD5. ``source.load`` reads them, ``writing.write`` writes them; each other file is one step.
"""
