"""Write the gallery of all studies of a folder of results."""

from nunatak.reports import gallery
from nunatak.runtime import job, say


def main(results):
    """Write index.html of a folder of results and say where it lies."""
    say(f"gallery: {gallery.write_gallery(results)}")


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.params.results)
