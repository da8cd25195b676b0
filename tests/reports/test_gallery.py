"""The gallery of all studies: what lies in the folder of results, as it ended, and nothing else."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from tests.reports.test_front_page import Page

import write_gallery
from nunatak.reports import gallery

SUMMARY = """An ice cap <made up>{simulated}
granules: 3 found, 2 used, 1 failed
numbers: The region lost 6.2 ± 0.1 km³ of volume.
checks: 4 held, 1 failed, 0 not applicable
report: results/{label}/report.html
"""


def study(results, label, *, simulated=False, failed=(), drawn=("rates",), day=1, finished=True):
    """Write what the gallery reads of a study."""
    folder = results / label
    (folder / "figures").mkdir(parents=True)
    (folder / "regions.geojson").write_text("{}")
    (folder / "checks.json").write_text(json.dumps({"failed": list(failed)}))
    for name in drawn:
        (folder / "figures" / f"{name}.png").write_bytes(b"png")
        (folder / "figures" / f"{name}.json").write_text(json.dumps({"title": name, "numbers": {}}))
    (folder / "figures" / "extent.png").write_bytes(b"png")
    (folder / "figures" / "extent.json").write_text(json.dumps({"title": "extent", "not_drawn": "no data"}))
    if finished:
        said = SUMMARY.format(simulated=" (SIMULATED)" if simulated else "", label=label)
        (folder / "summary.txt").write_text(said)
        (folder / "report.html").write_text("<p>report</p>")
        os.utime(folder / "report.html", (86400 * day, 86400 * day))


@pytest.fixture
def results(tmp_path):
    study(tmp_path, "austfonna-simulated", simulated=True, day=2)
    study(tmp_path, "pine_island", failed=["flux"], day=3)
    study(tmp_path, "stopped", finished=False, drawn=())
    (tmp_path / "not_a_study").mkdir()
    return tmp_path


def test_cards_say_what_the_summary_of_each_study_says(results):
    cards = {card.label: card for card in gallery.cards(results)}
    assert set(cards) == {"austfonna-simulated", "pine_island", "stopped"}
    held, failing, stopped = cards["austfonna-simulated"], cards["pine_island"], cards["stopped"]
    assert (held.title, held.simulated, held.failed) == ("An ice cap <made up>", True, False)
    assert (held.date, held.numbers) == ("3 Jan 1970", "The region lost 6.2 ± 0.1 km³ of volume.")
    assert held.thumbnail == "austfonna-simulated/figures/rates.png"
    assert failing.failed and failing.state == "1 check failed: flux" and not failing.simulated
    assert stopped.failed and stopped.href == "" and stopped.thumbnail == ""


def test_the_latest_study_stands_first(results):
    finished = [card.label for card in gallery.cards(results) if card.href]
    assert finished == ["pine_island", "austfonna-simulated"]


def test_the_page_holds_a_removed_study_no_more(results):
    write_gallery.main(results)
    assert "pine_island/report.html" in (results / "index.html").read_text()
    shutil.rmtree(results / "pine_island")
    write_gallery.main(results)
    page = Page((results / "index.html").read_text())
    assert not [address for address in page.addresses if "pine_island" in address]
    assert "austfonna-simulated/report.html" in page.addresses


def test_titles_cannot_inject_markup(results):
    write_gallery.main(results)
    html = (results / "index.html").read_text()
    assert "<made up>" not in html and "An ice cap &lt;made up&gt;" in html


def test_every_address_of_the_page_is_a_file(results):
    write_gallery.main(results)
    links = [a for a in Page((results / "index.html").read_text()).addresses if not a.startswith("#")]
    assert len(links) == 6
    assert all((results / link).is_file() for link in links)
