"""Search and fetch the image pairs of ITS_LIVE."""
