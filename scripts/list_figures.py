"""List the figures of a study by name, with what each shows."""

from nunatak.runtime import job, say


def main(lines):
    """Print the lines of `targets.figure_listing`."""
    for line in lines:
        say(line)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.params.lines)
