"""Name the results and figures of a study, say when it makes them, and read them."""
