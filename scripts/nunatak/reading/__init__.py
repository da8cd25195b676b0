"""Read the granules of a ledger one by one, with the outcome of each."""
