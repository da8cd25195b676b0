"""The viewer in a real browser, from a file: what a click says is what the results say."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyproj
import pytest
from tests.builders import viewed
from tests.explorer.conftest import AXE

from nunatak.explorer import viewer

pytestmark = pytest.mark.chromium
TIMES = ["2019-01-01", "2019-04-01", "2019-07-01"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results, and the page that was made of them."""
    folder = tmp_path_factory.mktemp("results")
    inputs = viewed.write(folder, height_change=viewed.change(TIMES), speeds=viewed.annual([2018, 2019]))
    return written(folder, inputs)


def written(folder, inputs):
    index, blocks = viewer.contents(inputs, study="seen", title="Seen", source="SIMULATED")
    page = folder / "explore.html"
    page.write_text(viewer.page(index, blocks), "utf-8")
    return page


class Seen:
    """The viewer's page, with what a person does there."""

    def __init__(self, page, address):
        self.page, self.asked, self.faults = page, [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(15_000)
        page.goto(address)
        page.wait_for_selector("body[data-ready]", timeout=60_000)

    def until(self, condition):
        """Wait for a condition, where `wait_for_function` would need what the page's policy forbids."""
        for _ in range(100):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(condition)

    def settled(self):
        self.page.wait_for_selector("body:not([data-pending])")

    def layer(self, name, side="a"):
        titles = self.page.evaluate("nunatak.layers.map((layer) => layer.name)")
        self.page.select_option(f"#layer-{side}", str(titles.index(name)))
        self.settled()

    def click(self, x, y):
        """Click on a place of the first map."""
        self.page.evaluate("nunatak.sides[0].pane.map.renderSync(), nunatak.last = null")
        box = self.page.locator("#map-a").bounding_box()
        pixel = self.page.evaluate("p => nunatak.sides[0].pane.map.getPixelFromCoordinate(p)", [x, y])
        self.page.mouse.click(box["x"] + pixel[0], box["y"] + pixel[1])
        self.until("Boolean(nunatak.last)")
        self.settled()

    def rows(self):
        """The rows of the CSV that the page offers."""
        return list(csv.DictReader(io.StringIO(self.page.evaluate("nunatak.last.csv()"), newline="")))


@pytest.fixture
def opened(chromium, request):
    """Open a page that asks for nothing and has no faults of its own, in a time zone where one is given."""
    seen = []
    zone = getattr(request, "param", "UTC")

    def open_page(path):
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, timezone_id=zone)
        seen.append((context, path, Seen(context.new_page(), path.as_uri())))
        return seen[-1][2]

    yield open_page
    for context, path, told in seen:
        context.close()
        assert [url for url in told.asked if url != path.as_uri() and not url.startswith(("data:", "blob:"))] == []
        assert told.faults == []


@pytest.mark.parametrize("opened", ["Pacific/Honolulu", "Asia/Tokyo"], indirect=True)
def test_a_click_gives_the_series_of_the_file_in_any_time_zone(opened, results):
    """Values and errors to the last bit, times as the file has them, with EPSG and unit."""
    told = opened(results)
    told.layer("change-1km-delta_h")
    truth = viewed.change(TIMES)
    for row, column in ((3, 4), (12, 30), (29, 0)):
        told.click(viewed.GRID.x[column], viewed.GRID.y[row])
        rows = told.rows()
        values = np.array([float(r["value"] or "nan") for r in rows], dtype="float32")
        errors = np.array([float(r["error"] or "nan") for r in rows], dtype="float32")
        np.testing.assert_array_equal(values, truth["delta_h"].values[:, row, column])
        np.testing.assert_array_equal(errors, truth["delta_h_sigma"].values[:, row, column])
        assert [r["time_start"] for r in rows] == TIMES
        assert {(r["epsg"], r["unit"], r["source"]) for r in rows} == {("3413", "m", "SIMULATED")}
        assert (float(rows[0]["x"]), float(rows[0]["y"])) == (viewed.GRID.x[column], viewed.GRID.y[row])
    assert told.page.text_content("#values td") == "2019-01-01"
    assert told.page.is_visible("#simulated") and "SIMULATED" in told.page.inner_text("#simulated")


def test_a_line_gives_the_profile_of_the_file(opened, results):
    """Along a row of cells at the time that is shown, with distances on the ellipsoid."""
    told = opened(results)
    told.layer("annual-v")
    truth, row = viewed.annual([2018, 2019])["v"].values, 7
    ends = [[viewed.GRID.x[2], viewed.GRID.y[row]], [viewed.GRID.x[35], viewed.GRID.y[row]]]
    told.page.evaluate("ends => nunatak.at('EPSG:3413', ends)", ends)
    for step in (1, 0):
        told.page.fill("#time-a", str(step))
        told.settled()
        rows = told.rows()
        values = np.array([float(r["value"] or "nan") for r in rows], dtype="float32")
        np.testing.assert_array_equal(values, truth[step, row, 2:36])
        assert {r["time"] for r in rows} == {str(2018 + step)}
    lonlat = [pyproj.Transformer.from_crs("EPSG:3413", "OGC:CRS84", always_xy=True).transform(*end) for end in ends]
    apart = pyproj.Geod(ellps="WGS84").inv(*lonlat[0], *lonlat[1])[2]
    assert float(rows[-1]["distance_m"]) == pytest.approx(apart, rel=0.02)


def test_a_value_names_the_granules_behind_its_time(opened, results):
    told = opened(results)
    told.layer("annual-v")
    told.page.fill("#time-a", "0")
    told.click(viewed.GRID.x[20], viewed.GRID.y[15])
    assert told.page.text_content("#values summary") == "granules behind 2018: 1"
    assert told.page.text_content("#values .names") == "pair_2018"
    told.layer("change-1km-delta_h")
    assert told.page.locator("#values .names li").all_text_contents() == ["ATL15_SV_one", "ATL15_SV_two"]


def test_the_keyboard_alone_asks_for_values_and_moves_time(opened, results):
    told = opened(results)
    page = told.page
    page.focus("#layer-a")
    page.keyboard.press("ArrowDown")
    told.settled()
    page.focus("#time-a")
    page.keyboard.press("ArrowLeft")
    assert page.text_content("#label-a") == TIMES[1]
    page.focus("#play-a")
    page.keyboard.press("Enter")
    told.until("document.getElementById('label-a').textContent !== '2019-04-01'")
    page.keyboard.press("Enter")
    lonlat = pyproj.Transformer.from_crs("EPSG:3413", "OGC:CRS84", always_xy=True)
    lon, lat = lonlat.transform(viewed.GRID.x[11], viewed.GRID.y[6])
    page.focus("#places")
    page.keyboard.type(f"{lon:.5f} {lat:.5f}")
    page.keyboard.press("Enter")
    page.wait_for_selector("#values section")
    told.settled()
    truth = viewed.change(TIMES)["delta_h"].values[:, 6, 11]
    values = np.array([float(r["value"] or "nan") for r in told.rows()], dtype="float32")
    np.testing.assert_array_equal(values, truth)
    page.focus("#map-a")
    page.keyboard.press("Enter")
    told.settled()
    assert page.evaluate("nunatak.chosen.points.length") == 1


def test_colours_are_changed_and_wrong_limits_are_refused(opened, results):
    told = opened(results)
    told.layer("change-1km-delta_h")
    page = told.page
    pixel = """(() => { const { layer, step } = nunatak.sides[0].pane;
        const canvas = layer.paint(step, nunatak.index.palettes, 'dcdcdc');
        return [...canvas.getContext('2d').getImageData(%d, %d, 1, 1).data]; })()"""
    values = viewed.change(TIMES)["delta_h"].values[-1]
    low, hole = np.argwhere(values < -2.0)[0], np.argwhere(np.isnan(values))[0]
    assert page.evaluate(pixel % (hole[1], hole[0])) == [220, 220, 220, 255]
    page.fill("#low-a", "-100")
    page.fill("#high-a", "100")
    page.press("#high-a", "Tab")
    assert min(page.evaluate(pixel % (low[1], low[0]))[:3]) > 235  # near the white of zero
    page.fill("#high-a", "-200")
    page.press("#high-a", "Tab")
    assert "must be above" in page.text_content("#said")
    assert page.get_attribute("#high-a", "aria-invalid") == "true"


def test_two_maps_show_the_same_place_side_by_side_and_swiped(opened, results):
    told = opened(results)
    told.page.check("[name=maps][value=swipe]")
    told.settled()
    told.page.wait_for_selector("#layer-b")
    assert told.page.evaluate("nunatak.sides[0].pane.map.getView() === nunatak.sides[1].pane.map.getView()")
    assert "50%" in told.page.evaluate("document.getElementById('map-b').style.clipPath")
    told.page.check("[name=maps][value=beside]")
    told.click(viewed.GRID.x[5], viewed.GRID.y[5])
    assert told.page.locator("#values section").count() == 2


@pytest.mark.parametrize("holes", [0.0, 1.0])
def test_one_epoch_and_nothing_but_holes(opened, tmp_path, holes):
    inputs = viewed.write(tmp_path, height_change=viewed.change(TIMES[:1], holes=holes))
    told = opened(written(tmp_path, inputs))
    assert told.page.is_disabled("#play-a")
    told.click(viewed.GRID.x[5], viewed.GRID.y[5])
    if holes:
        assert "No cell has a value" in told.page.text_content("#controls-a")
        assert "There is no value here" in told.page.text_content("#values")
    else:
        assert np.float32(told.rows()[0]["value"]) == viewed.change(TIMES[:1], holes=0.0)["delta_h"].values[0, 5, 5]


def test_a_folder_without_results_says_so(opened, tmp_path):
    told = opened(written(tmp_path, viewed.write(tmp_path)))
    assert "no result that can be shown" in told.page.text_content("#said")


def test_axe_finds_nothing(opened, results):
    """As it opens, with a series, with a profile, with two maps."""
    told = opened(results)
    client = told.page.context.new_cdp_session(told.page)
    client.send("Page.setBypassCSP", {"enabled": True})
    client.send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})

    def faults():
        found = json.loads(told.page.evaluate("axe.run({resultTypes: ['violations']}).then((r) => JSON.stringify(r))"))
        return [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found["violations"]]

    assert faults() == []
    told.layer("change-1km-delta_h")
    told.click(viewed.GRID.x[5], viewed.GRID.y[5])
    assert faults() == []
    told.page.evaluate("p => nunatak.at('EPSG:3413', p)", [[1.05e6, -3.9e5], [1.07e6, -4.0e5]])
    told.settled()
    assert faults() == []
    told.page.check("[name=maps][value=beside]")
    told.page.wait_for_selector("#layer-b")
    told.settled()
    assert faults() == []


def test_the_explorer_serves_the_results_of_a_finished_study(chromium, flow, explorer):
    """The link beside the study leads to the same viewer, whose layers come from the server, with the file's values."""
    folder = flow / "results" / "austfonna-simulated-tiny"
    viewed.write(folder, height_change=viewed.change(TIMES), speeds=viewed.annual([2018, 2019]))
    (folder / "report.html").write_text("a report", "utf-8")
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(explorer.url)
    page.wait_for_selector("body[data-ready]")
    page.select_option("#existing", "austfonna")
    page.click("#open")
    page.wait_for_selector("#said:has-text('is open')")
    assert page.is_hidden("#view")
    page.check("#simulated")
    page.wait_for_selector("#view:visible")
    address = f"{explorer.url}{page.get_attribute('#view', 'href')}"
    told = Seen(page, address)
    told.layer("change-1km-delta_h")
    told.click(viewed.GRID.x[4], viewed.GRID.y[3])
    values = np.array([float(r["value"] or "nan") for r in told.rows()], dtype="float32")
    np.testing.assert_array_equal(values, viewed.change(TIMES)["delta_h"].values[:, 3, 4])
    assert [url for url in told.asked if not url.startswith((explorer.url, "data:", "blob:"))] == []
    assert told.faults == []
    page.goto(f"{explorer.url}view.html?of=nothing")
    page.wait_for_selector("#said:has-text('no study has such results')")
    context.close()
