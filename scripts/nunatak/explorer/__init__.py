"""Choose a study's region on a map or by questions, and write its study file."""
