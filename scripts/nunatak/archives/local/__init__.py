"""Search and fetch granules in folders of this machine."""
