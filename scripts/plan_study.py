"""Say what a study would fetch and what it costs, from what its queries found."""

from pathlib import Path

from nunatak.archives import plan
from nunatak.runtime import job, say, write_json
from nunatak.tables import read_table


def main(granules, folder, *, originals, resources):
    """
    Write plan.json and one GeoJSON of footprints per product, and tell the person who asked.

    Parameters
    ----------
    granules : mapping of product to its granule table
    folder : where to write
    originals : where the originals of an archive lie, one folder per product
    """
    products = {}
    for product, path in granules.items():
        table = read_table(path)
        products[product] = plan.of_product(table, originals)
        write_json(plan.footprints(table), Path(folder) / f"plan_{product}.geojson")
    whole = plan.whole(products, resources)
    write_json(whole, Path(folder) / "plan.json")
    for line in plan.lines(whole):
        say(line)
    say(f"footprints for a map: {folder}/plan_<product>.geojson")


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(zip(snakemake.params.products, snakemake.input.granules, strict=True)),
            Path(snakemake.input.granules[0]).parent.parent,
            originals=snakemake.params.originals,
            resources=snakemake.params.resources,
        )
