"""
Every fault of the stand-in: what the client makes of it, and what this workflow does.

A row names the fault, the archive's door at which it is met, the client's own symptom and the right behaviour, which is
one of: the run stops at a rule with one line; the granule is in the ledger as failed; it is there all the same.
"""

from __future__ import annotations

from tests.archives.catalogue_faults import CATALOGUE, LOGIN
from tests.archives.granule_faults import WHOLE
from tests.archives.service_faults import IMAGE_PAIRS, ORDERS

ROWS = [*CATALOGUE, *LOGIN, *WHOLE, *IMAGE_PAIRS, *ORDERS]
# the stand-in's own switches that are no faults of a service: a slow line, and an end of what was staged
TOOLS = {"data_slow", "harmony_expired"}
