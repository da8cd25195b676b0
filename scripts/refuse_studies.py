"""End a run of all studies with an error: the files of some are at fault, and the others are done."""

from nunatak.runtime import NunatakError, job


def main(faults):
    """
    Raise with what is wrong with each study that was left out.

    Parameters
    ----------
    faults : one line for each
    """
    raise NunatakError("; ".join(faults))


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.params.faults)
