"""Say what a study would fetch or read and what it costs, from what its queries found, and draw where it lies."""

from pathlib import Path

import shapely

from nunatak import figures
from nunatak.archives import plan
from nunatak.figures.plan_map import plan_map
from nunatak.files.tables import read_table
from nunatak.geometry.outlines import ALTIMETRY_REGION, STUDY_REGION, altimetry_area, read_outlines
from nunatak.granules.products import granules_of, product_row
from nunatak.runtime import job, say, write_json

PRESET = "screen"


def main(granules, regions, folder, *, title, study, products, period, originals, resources, archive="earthdata"):
    """
    Write plan.json, the map plan.png and one GeoJSON of footprints per product, and tell the person who asked.

    Parameters
    ----------
    granules : mapping of product to its granule table, beside which lies what the study leaves out
    regions : GeoJSON of the study's outlines
    folder : where to write
    title, study : of the study
    products : mapping of product to its settings
    period : of the study
    originals : where the originals of an archive lie, one folder per product
    archive : the study's; what lies in a folder of the user's own is not fetched but read
    """
    folder, tables = Path(folder), {product: read_table(path) for product, path in granules.items()}
    costs = {}
    for product, table in tables.items():
        cost = plan.of_product(table, originals)
        costs[product] = plan.of_archive(product, products[product], cost, archive)
        if product_row(granules_of(product, products[product].get("source"))).kept == "pairs":
            left_out = read_table(Path(granules[product]).with_name("left_out.parquet"))
            costs[product]["coverage"] = plan.of_pairs(table, left_out, products[product], period)
        write_json(plan.footprints(table), folder / f"plan_{product}.geojson")
    whole = plan.whole(costs, resources)
    write_json(whole, folder / "plan.json")
    sources = {table.attrs["attributes"]["nunatak_source"] for table in tables.values()}
    _draw(read_outlines(regions), tables, whole, folder, title=title, study=study, source=max(sources, default=""))
    for line in plan.lines(whole):
        say(line)
    say(f"map and numbers: {folder}/plan.png, plan.json; footprints: plan_<product>.geojson")


def _draw(outlines, tables, whole, folder, *, title, study, source):
    area = outlines[STUDY_REGION] if set(tables) == {"itslive"} else altimetry_area(outlines)
    shown = {
        name: {
            "footprints": shapely.from_wkt(table["geometry"].dropna().to_numpy(dtype=object)),
            **{key: whole["products"][name][key] for key in ("granules", "years")},
        }
        for name, table in tables.items()
    }
    further = {k: o.geometry for k, o in outlines.items() if o is not area and k != ALTIMETRY_REGION}
    done = "read" if "bytes_to_read" in whole else "fetched"
    with figures.use(figures.preset(PRESET)) as look:
        drawn = plan_map(
            look,
            title=f"{title}: what would be {done}",
            region=area.geometry,
            further=further,
            crs=area.natural_crs,
            products=shown,
        )
        releases = {name: product["version"] for name, product in whole["products"].items()}
        sidecar = figures.sidecar_of(
            "plan", drawn, study=study, source=source, inputs={}, products=releases, preset_name=PRESET
        )
        figures.save(drawn.figure, [folder / "plan.png"], sidecar, look=look)


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(zip(snakemake.params.products, snakemake.input.granules, strict=True)),
            snakemake.input.regions,
            Path(snakemake.input.regions).parent,
            title=snakemake.params.title,
            study=snakemake.params.study,
            products=snakemake.params.products,
            period=snakemake.params.period,
            originals=snakemake.params.originals,
            resources=snakemake.params.resources,
            archive=snakemake.params.archive,
        )
