"""Uses of a trained network: photographs, films, export. Only the network itself needs torch; the rest is numpy."""
