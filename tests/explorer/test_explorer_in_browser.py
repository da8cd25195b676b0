"""The explorer in a real browser: what is drawn there is what the workflow runs."""

from __future__ import annotations

import base64
import json

import numpy as np
import pyproj
import pytest
import shapely
from tests.explorer.conftest import AXE
from tests.workflow.workflow_runs import Flow

from nunatak.explorer.serving import Explorer
from nunatak.geometry import region
from nunatak.study.yaml_files import read_yaml

pytestmark = pytest.mark.chromium
# longitude, latitude, coordinate system, x, y (m)
CHECK_POINTS = [
    (-49.75, 69.15, "EPSG:3413", -189040.917, -2275036.040),
    (-38.5, 72.58, "EPSG:3413", 215215.880, -1888925.538),
    (-20, 79.5, "EPSG:3413", 481997.060, -1033646.032),
    (24, 79.7, "EPSG:3413", 1044363.292, -400893.508),
    (25, 79.1, "EPSG:3413", 1112782.040, -405019.540),
    (15.63, 78.22, "EPSG:3413", 1115855.846, -627982.919),
    (0, 90, "EPSG:3413", 0, 0),
    (-99.5, -75.25, "EPSG:3031", -1589079.411, -265920.695),
    (-107, -75.3, "EPSG:3031", -1535496.487, -469448.387),
    (166.67, -77.85, "EPSG:3031", 305467.163, -1289201.538),
    (106.8, -78.46, "EPSG:3031", 1204244.516, -363582.855),
    (0, -90, "EPSG:3031", 0, 0),
    # Aletsch, Siachen, Perito Moreno, Franz Josef, Malaspina, and both sides of the antimeridian: pyproj alone
    (8.03, 46.44, "EPSG:32632", None, None),
    (77.1, 35.4, "EPSG:32643", None, None),
    (-73.05, -50.47, "EPSG:32718", None, None),
    (170.18, -43.47, "EPSG:32759", None, None),
    (-140.6, 59.9, "EPSG:32607", None, None),
    (179.9, 66.0, "EPSG:32660", None, None),
    (-179.9, 66.0, "EPSG:32601", None, None),
]


class Driven:
    """The page in a browser, with what a person does there."""

    def __init__(self, page, url):
        self.page, self.url, self.asked, self.faults = page, url, [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.goto(url)
        page.wait_for_selector("body[data-ready]", timeout=60_000)

    def settled(self):
        """Wait until the study is checked as it stands."""
        self.page.wait_for_selector("body:not([data-pending])")

    def says(self, words):
        """Wait until the page says so."""
        self.page.wait_for_selector(f"#said:has-text('{words}')")
        self.settled()

    def show(self, crs):
        self.page.check(f"[name=map][value='{crs}']")
        self.page.wait_for_selector(f"#map[data-land='{crs}']")
        self.settled()

    def look_at(self, x, y, resolution):
        """Put a place of the map into its middle."""
        self.page.evaluate(
            "([x, y, r]) => { const v = nunatak.chart.map.getView(); v.setCenter([x, y]); v.setResolution(r); "
            "nunatak.chart.map.renderSync(); }",
            [x, y, resolution],
        )

    def draw(self, role, form, points):
        """Draw with the mouse: a click on each point, a double click on the last."""
        self.page.select_option("#role", role)
        self.page.select_option("#form", form)
        self.page.click("#draw")
        box = self.page.locator("#map").bounding_box()
        at = self.page.evaluate("points => points.map((p) => nunatak.chart.map.getPixelFromCoordinate(p))", points)
        for number, (x, y) in enumerate(at):
            self.page.wait_for_timeout(300)  # two quick clicks would be a double one
            last = number == len(at) - 1 and form in ("polygon", "line")
            self.page.mouse.move(box["x"] + x, box["y"] + y)
            (self.page.mouse.dblclick if last else self.page.mouse.click)(box["x"] + x, box["y"] + y)
        self.page.wait_for_selector("#draw[aria-pressed=false]")
        self.settled()

    def fill(self, name, product="atl15"):
        self.page.fill("#name", name)
        self.page.fill("#title", f"Drawn: {name}")
        self.page.select_option("#archive", "simulated")
        self.page.fill("#first", "2019-01-01")
        self.page.fill("#last", "2020-12-31")
        if not self.page.is_checked(f"#product-{product}"):
            self.page.check(f"#product-{product}")
        self.settled()

    def save(self):
        self.page.click("#save:enabled")
        self.says("Wrote")

    def state(self):
        return json.loads(self.page.evaluate("JSON.stringify(nunatak.state)"))


@pytest.fixture
def driven(chromium, explorer, request):
    """The page of the explorer, which asks nothing of any other server and has no faults of its own."""
    zone = getattr(request, "param", "UTC")
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, timezone_id=zone)
    told = Driven(context.new_page(), explorer.url)
    yield told
    context.close()
    assert [url for url in told.asked if not url.startswith((explorer.url, "data:", "blob:"))] == []
    assert told.faults == []


def test_coordinates_of_the_page_are_those_of_pyproj(driven):
    """
    At the check points to 0.01 m, there and back.

    At a pole the longitude is any.
    """
    for lon, lat, crs, x, y in CHECK_POINTS:
        there, back = driven.page.evaluate(
            "async ([crs, lonlat]) => { const geo = await import('./page/geo.js'); if (geo.utm(crs)) geo.zone(crs); "
            "const xy = geo.fromDegrees(crs, lonlat); return [xy, geo.toDegrees(crs, xy)]; }",
            [crs, [lon, lat]],
        )
        exact = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(lon, lat)
        assert there == pytest.approx(exact, abs=0.01)
        assert x is None or there == pytest.approx((x, y), abs=0.01)
        assert back[1] == pytest.approx(lat, abs=1e-9)
        assert abs(lat) == 90 or back[0] == pytest.approx(lon, abs=1e-9)


def test_a_glacier_away_from_the_poles_is_drawn_in_metres_of_its_utm_zone(chromium, tmp_path):
    """The zone is that of the middle of the map, a square kilometre is one, and a dry run reads the study."""
    flow = Flow(tmp_path)
    with Explorer(flow.folder) as explorer:
        driven = Driven(chromium.new_page(viewport={"width": 1280, "height": 800}), explorer.url)
        driven.show("lonlat")
        driven.look_at(-73.05, -50.47, 0.01)
        driven.page.check("[name=map][value='utm']")
        driven.page.wait_for_selector("#map[data-land='EPSG:32718']")
        driven.settled()
        assert driven.page.inner_text("#zone") == "UTM 18S"
        x, y = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:32718", always_xy=True).transform(-73.05, -50.47)
        assert driven.page.evaluate("nunatak.chart.map.getView().getCenter()") == pytest.approx([x, y], abs=100)
        driven.look_at(x, y, 100)
        driven.draw(
            "region", "polygon", [[x - 1e4, y - 1e4], [x + 1e4, y - 1e4], [x + 1e4, y + 1e4], [x - 1e4, y + 1e4]]
        )
        driven.fill("perito_moreno")
        driven.save()
        driven.show("EPSG:3031")
        driven.page.select_option("#existing", "perito_moreno")
        driven.page.click("#open")
        driven.says("is open")
        assert driven.page.evaluate("nunatak.chart.crs") == "EPSG:32718"
        assert driven.page.is_checked("[name=map][value='utm']")
        driven.page.close()
    study = read_yaml(flow / "config/studies/perito_moreno.yaml")
    area = region.load(study["region"])
    assert study["region"]["crs"] == "EPSG:32718" and area.contains(-73.05, -50.47)
    corners = shapely.get_coordinates(area.geometry)
    assert abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*corners.T)[0]) / 1e6 == pytest.approx(
        area.area_km2, rel=1e-3
    )
    said = flow.run("-n", "perito_moreno")
    assert said.code == 0, said.text


@pytest.mark.parametrize("place", [(8.03, 46.44), (-73.05, -50.47), (179.5, -40.0), (-93.0, 70.0)])
def test_land_of_a_utm_zone_lies_where_pyproj_puts_it(driven, place):
    """Places near the middle are on land in the zone's map just where they are on the map of the world."""
    lon, lat = place
    driven.show("lonlat")
    driven.look_at(lon, lat, 0.02)
    driven.page.check("[name=map][value='utm']")
    driven.page.wait_for_selector("#map[data-land^='EPSG:32']")
    crs = driven.page.evaluate("nunatak.chart.crs")
    lons, lats = np.meshgrid(lon + np.linspace(-4, 4, 9), lat + np.linspace(-4, 4, 9))
    to_zone = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    hits = "points => points.map((p) => nunatak.chart.land.getSource().getFeaturesAtCoordinate(p).length > 0)"
    in_zone = driven.page.evaluate(hits, np.column_stack(to_zone.transform(lons.ravel(), lats.ravel())).tolist())
    driven.show("lonlat")
    wrapped = np.column_stack([(lons.ravel() + 180) % 360 - 180, lats.ravel()])
    on_world = driven.page.evaluate(hits, wrapped.tolist())
    assert np.mean(np.array(in_zone) == np.array(on_world)) > 0.97
    assert 0 < np.mean(on_world) <= 1


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_pictures_are_asked_of_gibs_after_the_choice_alone(chromium, explorer):
    """The tile of a place is that of the grid of GIBS: 512 pixels of 512 m at level 4, from (-4194304, 4194304)."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    outside = []

    def answer(route):
        outside.append(route.request.url)
        route.fulfill(body=base64.b64decode(PNG), content_type="image/png")

    context.route("https://gibs.earthdata.nasa.gov/**", answer)
    driven = Driven(context.new_page(), explorer.url)
    for crs in ("EPSG:3031", "lonlat", "EPSG:3413"):
        driven.show(crs)
    assert outside == []
    driven.look_at(1.06e6, -4.0e5, 512)
    driven.page.select_option("#picture", "BlueMarble_NextGeneration")
    driven.page.wait_for_timeout(1500)
    column, row = int((1.06e6 + 4194304) // (512 * 512)), int((4194304 + 4.0e5) // (512 * 512))
    place = f"epsg3413/best/BlueMarble_NextGeneration/default/500m/4/{row}/{column}.jpeg"
    assert f"https://gibs.earthdata.nasa.gov/wmts/{place}" in outside
    driven.show("lonlat")
    driven.page.wait_for_timeout(1000)
    assert any("/epsg4326/best/" in url for url in outside)
    driven.page.select_option("#picture", "")
    asked = len(outside)
    driven.show("EPSG:3031")
    driven.page.wait_for_timeout(500)
    context.close()
    assert len(outside) == asked
    assert all(url.startswith("https://gibs.earthdata.nasa.gov/wmts/epsg") for url in outside)
    assert driven.faults == []


def test_without_a_network_a_picture_is_told_to_be_missing(chromium, explorer):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.route("https://gibs.earthdata.nasa.gov/**", lambda route: route.abort())
    driven = Driven(context.new_page(), explorer.url)
    driven.page.select_option("#picture", "BlueMarble_NextGeneration")
    driven.page.wait_for_selector("#said:has-text('NASA GIBS does not answer')")
    context.close()


def test_the_scale_bar_is_true(driven):
    """Its ends lie as far apart on the ellipsoid as it says, to a pixel."""
    for crs, x, y in (("EPSG:3413", -1.9e6, -3.0e6), ("EPSG:3031", 0, 1.2e6)):
        driven.show(crs)
        driven.look_at(x, y, 900)
        driven.page.wait_for_timeout(300)
        metres, ends = driven.page.evaluate(
            """() => { const { chart } = nunatak, [w, h] = chart.map.getSize();
            const wide = document.getElementById('scale-bar').getBoundingClientRect().width;
            return [Number(document.getElementById('scale-text').dataset.metres),
              [-wide / 2, wide / 2].map((d) => chart.map.getCoordinateFromPixel([w / 2 + d, h / 2]))]; }"""
        )
        lonlat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
        (a, b), (c, d) = (lonlat.transform(*end) for end in ends)
        assert pyproj.Geod(ellps="WGS84").inv(a, b, c, d)[2] == pytest.approx(metres, rel=0.01)


def test_what_is_drawn_is_what_the_workflow_runs(chromium, tmp_path):
    """A box in the north, one over the antimeridian, polygons round both poles: drawn, saved, read by a dry run."""
    flow = Flow(tmp_path)
    square = [[-5e5, -5e5], [5e5, -5e5], [5e5, 5e5], [-5e5, 5e5]]
    box = [[-4e5, -2.0e6], [4e5, -1.6e6]]
    with Explorer(flow.folder) as explorer:
        driven = Driven(chromium.new_page(viewport={"width": 1280, "height": 800}), explorer.url)
        driven.look_at(1.06e6, -4.0e5, 500)
        driven.draw("region", "box", [[1.02e6, -4.3e5], [1.1e6, -3.7e5]])
        driven.draw("transect", "line", [[1.04e6, -4.0e5], [1.08e6, -3.9e5]])
        driven.fill("north_box")
        driven.save()
        for crs, name in (("EPSG:3413", "north_pole"), ("EPSG:3031", "south_pole")):
            driven.show(crs)
            driven.look_at(0, 0, 3000)
            driven.draw("region", "polygon", square)
            driven.page.click("button[aria-label^='Remove Transect']") if name == "north_pole" else None
            driven.fill(name)
            driven.save()
        driven.look_at(0, -1.8e6, 3000)
        driven.draw("region", "box", box)
        driven.fill("date_line")
        driven.save()
        driven.page.close()
    names = ["north_box", "north_pole", "south_pole", "date_line"]
    made = {name: read_yaml(flow / f"config/studies/{name}.yaml") for name in names}
    areas = {name: region.load(study["region"]) for name, study in made.items()}
    for name, pole in (("north_pole", 90), ("south_pole", -90)):
        assert areas[name].contains(0, pole), name
        assert [abs(value) for corner in made[name]["region"]["lonlat"] for value in corner] == pytest.approx(
            [5e5] * 8, abs=6000
        ), name
    assert made["date_line"]["region"]["crosses_antimeridian"] is True
    assert areas["date_line"].contains([180, 0], [-73.5, -73.5]).tolist() == [True, False]
    assert made["north_box"]["region"]["bbox"] == pytest.approx([1.02e6, -4.3e5, 1.1e6, -3.7e5], abs=1000)
    said = flow.run("-n", *names)
    assert said.code == 0, said.text


def test_another_map_and_back_leaves_a_drawing_as_it_was(driven):
    """Places stay, too: the middle of the map is where it was to a pixel."""
    driven.look_at(1.06e6, -4.0e5, 500)
    driven.draw("region", "polygon", [[1.02e6, -4.3e5], [1.1e6, -4.2e5], [1.08e6, -3.7e5]])
    before = driven.state()["drawings"]
    for crs in ("EPSG:3031", "lonlat", "EPSG:3413"):
        driven.show(crs)
    assert driven.state()["drawings"] == before
    middle = driven.page.evaluate("nunatak.chart.map.getView().getCenter()")
    assert (
        middle == pytest.approx([1.06e6, -4.0e5], abs=500) or driven.page.evaluate("nunatak.chart.crs") != "EPSG:3413"
    )
    driven.page.click("#undo")
    driven.settled()
    assert driven.state()["drawings"] == []


def test_the_keyboard_alone_makes_a_study(driven, flow):
    """
    Coordinates typed, boxes ticked with the space bar, saved with Enter.

    Nothing is clicked.
    """
    page = driven.page

    def into(selector, text):
        page.focus(selector)
        page.keyboard.type(text)

    into("#name", "typed")
    into("#title", "Typed")
    into("#first", "2019-01-01")
    into("#last", "2020-12-31")
    page.focus("summary:has-text('Type coordinates')")
    page.keyboard.press("Enter")
    into("#typed", "23 79.5\n26 79.5\n26 80\n23 80")
    page.focus("#add")
    page.keyboard.press("Enter")
    page.focus("#product-atl15")
    page.keyboard.press("Space")
    driven.settled()
    page.focus("#save")
    page.keyboard.press("Enter")
    driven.says("Wrote")
    path = flow / "config/studies/typed.yaml"
    assert read_yaml(path)["region"] == {"lonlat": [[23, 79.5], [26, 79.5], [26, 80], [23, 80]]}
    # Tab goes through the page and is held nowhere
    page.focus("#map")
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    path.unlink()
    assert {"existing", "open", "name"} <= seen


@pytest.mark.parametrize("driven", ["Pacific/Honolulu", "Asia/Tokyo"], indirect=True)
def test_an_existing_study_is_changed_and_keeps_its_comments_in_any_time_zone(driven, flow):
    path = flow / "config/studies/austfonna.yaml"
    was = path.read_text("utf-8")
    driven.page.select_option("#existing", "austfonna")
    driven.page.click("#open")
    driven.says("is open")
    driven.page.fill("#title", "Austfonna, again")
    driven.settled()
    driven.page.click("#save:enabled")
    driven.page.wait_for_selector("#ask[open]")
    assert path.read_text("utf-8") == was
    driven.page.click("#ask-yes")
    driven.says("Wrote")
    now = path.read_text("utf-8")
    path.write_text(was, "utf-8")
    assert [a for a, b in zip(now.splitlines(), was.splitlines(), strict=True) if a != b] == ["title: Austfonna, again"]


def test_tracks_and_granules_over_a_drawn_region_are_told_before_anything_is_asked(driven):
    """They go when the region changes, and come along to another map."""
    page = driven.page
    driven.look_at(1.06e6, -4.0e5, 500)
    driven.draw("region", "box", [[1.02e6, -4.3e5], [1.1e6, -3.7e5]])
    page.click("#cover")
    page.wait_for_selector("#covered .mistake:has-text('period')")
    driven.fill("covered", product="atl06")
    page.click("#cover")
    page.wait_for_selector("#covered table")
    assert page.inner_text("#covered tbody th") == "atl06"
    count = "nunatak.coverage.layer.getSource().getFeatures()[0].getGeometry().getLineStrings().length"
    there = page.evaluate(count)
    assert there > 10
    driven.show("lonlat")
    page.wait_for_selector("#covered table")
    assert page.evaluate(count) == there
    page.click("#undo")
    driven.settled()
    assert page.locator("#covered table").count() == 0


def test_a_mistake_stands_beside_its_field(driven):
    driven.page.check("#product-atl15")
    driven.page.click("summary:has-text('settings of atl15')")
    driven.page.fill("#products-atl15-band", "-3")
    driven.settled()
    assert driven.page.get_attribute("#products-atl15-band", "aria-invalid") == "true"
    assert "write more than 0" in driven.page.text_content("[data-mistake='products.atl15.band']")
    assert driven.page.is_disabled("#save")


def test_axe_finds_nothing(driven):
    """As it opens, with a study, with a mistake and its settings open, on the flat map, and with a question asked."""
    page = driven.page
    page.evaluate(AXE.read_text("utf-8"))

    def faults():
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        return [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found]

    assert faults() == []
    page.select_option("#existing", "pine_island")
    page.click("#open")
    driven.says("is open")
    assert faults() == []
    page.click("summary:has-text('settings of itslive')")
    page.fill("#products-itslive-max_per_year", "many")
    driven.settled()
    assert faults() == []
    driven.show("lonlat")
    assert faults() == []
    page.evaluate("document.getElementById('ask').showModal()")
    assert faults() == []
