"""Read ITS_LIVE image pairs, their names, selections, cubes and mosaics."""
