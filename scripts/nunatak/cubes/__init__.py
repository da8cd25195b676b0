"""Build cubes on disk from image pairs on disk."""
