"""Networks in use: photographs, films, export. Everything but the network itself is numpy, so torch is not needed."""
