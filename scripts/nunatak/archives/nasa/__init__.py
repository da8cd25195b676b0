"""Search and fetch granules of NASA's archives."""
