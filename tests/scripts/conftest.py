"""Results of the tracks of a tiny world, made script by script once for many tests."""

import pytest

import compare_products
import find_crossovers
import find_tracks
import fit_rates
import subset_points
from nunatak.files.tables import write_table
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.granules import ledger
from nunatak.simulation import world, write_product
from nunatak.study import Period, load
from nunatak.study.parts import product_settings, typed

STUDY = "config/studies/austfonna.yaml"
PERIOD = typed(Period, ["2019-01-01", "2021-12-31"])
FOCUS = {"crs": "EPSG:3413", "xlim": [1.0e6, 1.1e6], "ylim": [-4.5e5, -3.5e5]}


@pytest.fixture(scope="session")
def track_study():
    settings = load(STUDY, overrides={"archive": "simulated"}).model_dump(mode="json")
    settings["products"]["atl11"] |= {"min_cycles": 3, "min_years": 1.0}
    return settings


@pytest.fixture(scope="session")
def track_results(track_study, tmp_path_factory):
    """Paths of every result of the tracks of a tiny world."""
    folder = tmp_path_factory.mktemp("tracks")
    regions = folder / "regions.geojson"
    write_outlines({"region": region.load({"bbox": [23, 79.5, 26, 80]})}, regions)
    points, read = {}, {}
    for product in ("atl11", "atl06"):
        granules = write_product(world("austfonna", "tiny"), product, folder / product)
        rows = [
            {
                "granule_id": row.granule_id,
                "path": str(folder / product / row.file_name),
                "status": "present",
                "reason": "",
                "size_bytes": row.size_bytes,
                "sha256": row.checksum,
            }
            for row in granules.itertuples()
        ]
        fetched = folder / f"{product}_ledger.parquet"
        write_table(ledger(rows), fetched, attributes={"nunatak_source": "SIMULATED"})
        points[product], read[product] = folder / f"{product}.parquet", folder / f"{product}_read.parquet"
        subset_points.main(
            fetched,
            regions,
            points[product],
            read[product],
            product=product,
            settings=product_settings(product, track_study["products"][product]),
            period=PERIOD,
            study="test",
            crs="EPSG:3413",
        )
    settings = {name: product_settings(name, track_study["products"][name]) for name in ("atl06", "atl11")}
    names = (
        "tracks.csv",
        "track.parquet",
        "rates.parquet",
        "rates_map.nc",
        "report.csv",
        "crossovers.parquet",
        "agreement.csv",
        "filters.csv",
    )
    out = {name: folder / name for name in names}
    heights, segments = [points["atl11"]], [points["atl06"]]
    find_tracks.main(
        heights,
        segments,
        regions,
        out["tracks.csv"],
        out["track.parquet"],
        focus=FOCUS,
        settings=settings,
        study="test",
    )
    fit_rates.main(
        heights,
        regions,
        out["rates.parquet"],
        out["rates_map.nc"],
        out["report.csv"],
        settings=settings["atl11"],
        study="test",
    )
    find_crossovers.main(
        [read["atl11"]],
        heights,
        segments,
        regions,
        out["crossovers.parquet"],
        settings=settings,
        period=PERIOD,
        study="test",
    )
    compare_products.main(
        {"heights": heights, "segments": segments},
        out["agreement.csv"],
        out["filters.csv"],
        settings=settings,
        study="test",
    )
    return {**out, "regions": regions, "points": points}
