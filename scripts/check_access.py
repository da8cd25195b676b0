"""Check what a run on the archives needs: the login, the services, free space, the clients' versions."""

from nunatak.archives.nasa import access
from nunatak.runtime import NunatakError, job, say


def main(*, endpoints, resources):
    """
    Check each thing that a run on the archives needs and say whether it is there.

    Raises
    ------
    NunatakError : names what is missing and how to get it
    """
    missing = []
    for name, said, good in access.checks(endpoints, resources):
        say(f"{'ok     ' if good else 'MISSING'}  {name}: {said}")
        if not good:
            missing.append(f"{name}: {said}")
    if missing:
        raise NunatakError("; ".join(missing))


if __name__ == "__main__":
    with job(snakemake):
        main(endpoints=snakemake.params.endpoints, resources=snakemake.params.resources)
