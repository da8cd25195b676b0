"""Read and write tables, rasters, streams and byte ranges."""
