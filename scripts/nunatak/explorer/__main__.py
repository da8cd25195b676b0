"""Serve the region explorer: `python -m nunatak.explorer`."""

import argparse
import sys

from nunatak.explorer.serving import run
from nunatak.runtime import NunatakError


def main(words=None):
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="make explore", description="Choose a study's region on a map.")
    parser.add_argument("--folder", default=".", help="folder of the workflow; default: this one")
    parser.add_argument("--port", type=int, default=0, help="port of this machine; default: any that is free")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    given = parser.parse_args(words)
    try:
        run(given.folder, port=given.port, browser=not given.no_browser)
    except NunatakError as error:
        sys.exit(f"explorer: {error}")


if __name__ == "__main__":
    main()
