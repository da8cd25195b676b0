"""Hold regions, outlines, polygons and grids."""
