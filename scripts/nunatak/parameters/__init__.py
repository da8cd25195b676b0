"""Declare every choice of a study once."""
