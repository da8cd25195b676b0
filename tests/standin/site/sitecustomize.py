"""Python runs this at its start when the folder is on PYTHONPATH: this process, too, reaches the stand-in alone."""

import os

if "NUNATAK_STANDIN_PORT" in os.environ:
    from importlib.util import module_from_spec, spec_from_file_location

    path = os.path.join(os.path.dirname(__file__), os.pardir, "redirect.py")
    spec = spec_from_file_location("redirect", path)
    redirect = module_from_spec(spec)
    spec.loader.exec_module(redirect)
    redirect.install()
