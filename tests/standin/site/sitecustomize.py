"""Python runs this at its start when the folder is on PYTHONPATH: this process, too, reaches the stand-in alone."""

import os
import sys

if "NUNATAK_STANDIN_PORT" in os.environ:
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
    sys.path.append(root)
    from tests.standin import redirect

    sys.path.remove(root)
    redirect.install()
