"""The test suite; a package, so that no other package of this name takes its place."""
