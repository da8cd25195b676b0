"""Report pages in a real browser, from disk: sorted, enlarged, reached by keyboard, printed, asking nothing."""

from __future__ import annotations

import shutil

import pytest
from tests.explorer.conftest import AXE
from tests.explorer.conftest import chromium as chromium
from tests.explorer.conftest import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.reports.test_front_page import report as report

from nunatak.reports import gallery, notebook_page

pytestmark = pytest.mark.chromium
TABLE = """<h1>Tracks</h1><h2 id="Which">Which</h2><p>Some.</p><div class="wide"><table><thead><tr>
<th>beam</th><th class="n">dh</th><th class="n">day</th><th class="n">size</th></tr></thead><tbody>
<tr><td>gt1l</td><td class="n">−1.20 ± 0.10 m</td><td class="n">2 Feb 2020</td><td class="n">1.5 kB</td></tr>
<tr><td>gt2l</td><td class="n">unknown</td><td class="n">12 Jan 2019</td><td class="n">900 B</td></tr>
<tr><td>gt10l</td><td class="n">1,234.5 ± 2 m</td><td class="n">1 Dec 2019</td><td class="n">2.0 MB</td></tr>
<tr><td>gt3l</td><td class="n">−0.03 ± 0.10 m</td><td class="n">30 Jan 2020</td><td class="n">12 kB</td></tr>
</tbody></table></div><h2>What &amp; why</h2><figure><img alt="A dot. Numbers drawn: h from 1 to 2."
src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
><figcaption>A dot.</figcaption></figure><details><summary>Folded</summary><p>inside the fold</p></details>"""


@pytest.fixture
def opened(chromium):
    """Open a file in the browser. The pages ask nothing of the network and report no fault."""
    context = chromium.new_context(viewport={"width": 1600, "height": 900})
    page, asked, faults = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)

    def open_file(path):
        page.goto(path.as_uri())
        return page

    yield open_file
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    expected = ("ERR_FILE_NOT_FOUND", "violates the following Content Security Policy")  # what two tests are about
    assert [fault for fault in faults if not any(words in fault for words in expected)] == []


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "tracks.html"
    path.write_text(notebook_page(TABLE, title="Tracks", simulated=True), "utf-8")
    return path


def column(page, number):
    return page.locator(f"table tbody tr td:nth-child({number})").all_inner_texts()


def sort(page, head):
    page.click(f"th button:has-text('{head}')")


def test_tables_are_sorted_as_numbers_dates_and_sizes(opened, notebook):
    """A value without a number stands last either way."""
    page = opened(notebook)
    sort(page, "dh")
    assert column(page, 2) == ["−1.20 ± 0.10 m", "−0.03 ± 0.10 m", "1,234.5 ± 2 m", "unknown"]
    assert page.get_attribute("th:nth-child(2)", "aria-sort") == "ascending"
    sort(page, "dh")
    assert column(page, 2) == ["1,234.5 ± 2 m", "−0.03 ± 0.10 m", "−1.20 ± 0.10 m", "unknown"]
    sort(page, "day")
    assert column(page, 3) == ["12 Jan 2019", "1 Dec 2019", "30 Jan 2020", "2 Feb 2020"]
    assert page.get_attribute("th:nth-child(2)", "aria-sort") is None
    sort(page, "size")
    assert column(page, 4) == ["900 B", "1.5 kB", "12 kB", "2.0 MB"]
    sort(page, "beam")
    assert column(page, 1) == ["gt1l", "gt2l", "gt3l", "gt10l"]


def test_a_figure_is_enlarged_and_closed_by_the_keyboard(opened, notebook):
    page = opened(notebook)
    page.focus("button.enlarge")
    page.keyboard.press("Enter")
    assert page.is_visible("dialog img")
    assert page.get_attribute("dialog img", "alt") == "A dot. Numbers drawn: h from 1 to 2."
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog img")
    assert page.evaluate("document.activeElement.className") == "enlarge"


def test_the_contents_list_leads_to_every_part(opened, report, made):
    page = opened(made.base / "report.html")
    heads = [text.strip() for text in page.locator("main h2").all_inner_texts()]
    listed = page.locator("nav.contents a").all_inner_texts()
    assert listed == heads and len(heads) > 6
    page.click("nav.contents a:has-text('Provenance')")
    assert page.evaluate("location.hash") == "#provenance"


def test_links_lead_to_the_files_that_numbers_rest_on(opened, report, made):
    page = opened(made.base / "report.html")
    links = page.evaluate("[...document.querySelectorAll('main a')].map((a) => a.getAttribute('href'))")
    for file in ("atl15/region_change.csv", "elevation/repeat_pairs.parquet", "regions.geojson"):
        assert file in links and (made.base / file).is_file()
    alt = page.get_attribute("figure img", "alt")
    assert alt.startswith("An ice cap") and page.locator("figcaption .rests").count() == 1


@pytest.mark.parametrize("which", ["front", "notebook", "gallery"])
def test_pages_pass_axe(opened, report, made, notebook, which):
    shown = {"front": made.base / "report.html", "notebook": notebook}
    page = opened(shown[which] if which in shown else gallery.write_gallery(made.base.parent))
    page.evaluate(AXE.read_text("utf-8"))  # the policy of the page holds for its elements, not for this
    found = page.evaluate("axe.run()")["violations"]
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found] == []


def test_a_study_removed_after_the_gallery_was_written_is_said_to_be_gone(opened, report, made, tmp_path):
    folder = tmp_path / "results"
    for name in ("one", "other"):
        shutil.copytree(made.base, folder / name)
    index = gallery.write_gallery(folder)
    shutil.rmtree(folder / "other")
    page = opened(index)
    page.wait_for_selector(".card.gone")
    assert page.locator(".card.gone h2").get_attribute("id") == "other"
    assert page.locator(".card:not(.gone) h2").get_attribute("id") == "one"
    assert page.is_visible(".card.gone .only-gone") and not page.is_visible(".card:not(.gone) .only-gone")


def test_no_handler_in_a_page_is_run(opened, tmp_path):
    """Markup that slipped into a body: its script and its handler are refused by the policy."""
    path = tmp_path / "bad.html"
    body = "<h1>x</h1><script>document.title='run'</script><p onclick=\"document.title='run'\">text</p>"
    path.write_text(notebook_page(body, title="safe", simulated=False), "utf-8")
    page = opened(path)
    page.click("main p")
    assert page.title() == "safe"
