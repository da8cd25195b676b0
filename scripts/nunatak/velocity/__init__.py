"""Glacier velocity from image pairs: the cube, composites, inversion and what follows from a velocity field."""
