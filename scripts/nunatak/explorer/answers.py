"""What the explorer's page asks: what there is to choose, a study checked, saved, opened."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import shapely

from nunatak import study
from nunatak.archives import plan
from nunatak.explorer import coverage, drawn, editing, runs, sheet
from nunatak.geometry import region
from nunatak.parameters.archives import ARCHIVES
from nunatak.runtime import NunatakError, log, written
from nunatak.study import reference
from nunatak.study.yaml_files import read_yaml

# commands that end with the study's name
_COMMANDS = (("make plan_{name}", "what a run would fetch, and what it costs"), ("make {name}", "run the study"))

_FOOTPRINTS = 500  # of a product that are sent to the page


class Desk:
    """
    Answers for one folder of the workflow.

    Parameters
    ----------
    folder : of the workflow; files are written below its config/studies alone
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._studies = folder / "config" / "studies"
        self.runs = runs.Runs(folder)

    def questions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return what the page may ask, by name."""
        return {
            "start": self.start,
            "outlines": self.outlines,
            "check": self.check,
            "save": self.save,
            "opened": self.opened,
            "plan": self.plan,
            "footprints": self.footprints,
            "coverage": self.coverage,
            "run": self.run,
            "going": self.going,
            "results": self.results,
            "stop": self.stop,
        }

    def start(self, question) -> dict[str, Any]:
        """Return what there is to choose: archives, products with their settings, regions, studies."""
        rows = list(reference.rows(study.Products))
        products = [row for row in rows if "." not in row.path]
        return {
            "archives": list(ARCHIVES),
            "products": [
                {
                    "name": product.path,
                    "help": product.help,
                    "settings": [
                        {**row._asdict(), "path": row.path.partition(".")[2]}
                        for row in rows
                        if row.path.startswith(f"{product.path}.")
                    ],
                }
                for product in products
            ],
            "regions": [{"name": name, "title": entry["title"]} for name, entry in region.gazetteer().items()],
            "studies": self._names(),
        }

    def outlines(self, question) -> dict[str, Any]:
        """Return the regions of the gazetteer and of the studies in the coordinates of one of the maps."""
        crs, shapes = question["crs"], []
        if not drawn.is_map(crs):
            raise study.StudyError(f"crs: got {crs!r}; ask for one of {', '.join(drawn.MAPS)}, or a UTM zone")
        for name, entry in region.gazetteer().items():
            shapes.append((name, entry["title"], "gazetteer", region.load(name)))
        for name in self._names():
            try:
                shapes.append((name, name, "study", self._load(name).region))
            except NunatakError as error:
                log.warning("explorer: %s", error)
        seen = [shape for shape in shapes if drawn.is_seen(shape[3], crs)]
        return {
            "outlines": [
                {"name": name, "title": title, "kind": kind, **drawn.drawing_of(outline, crs)}
                for name, title, kind, outline in seen
            ]
        }

    def check(self, question) -> dict[str, Any]:
        """
        Return the study file that the choices mean, with every mistake beside its key.

        Returns
        -------
        mapping of `text`, `mistakes` ([key, words] each), `areas` (km2 by key), `shown` (outlines that were not drawn,
        on the map that `crs` names) and `commands`
        """
        made, wrong = sheet.study_of(question)
        outlines = _outlines(made)
        areas = {key: outline.area_km2 for key, outline in outlines.items()}
        try:
            text = self._text(question, made, areas)
        except sheet.Refused as error:
            text, wrong = sheet.text_of(made, areas=areas), [*wrong, (error.field, str(error))]
        name = str(question.get("name") or "")
        mistakes = wrong + sheet.check(text, name, folder=self._folder, settings=self._settings())
        commands = [[command.format(name=name), meaning] for command, meaning in _COMMANDS]
        return {
            "text": text,
            "mistakes": mistakes,
            "areas": areas,
            "shown": _shown(outlines, question),
            "commands": commands,
            "file": f"config/studies/{name}.yaml",
            "taken": not sheet.name_mistake(name) and self._path(name).exists(),
        }

    def save(self, question) -> dict[str, Any]:
        """
        Write the study file, over another one only where the question says so.

        Raises
        ------
        StudyError : the study has mistakes
        """
        answer = self.check(question)
        if answer["mistakes"]:
            raise study.StudyError(": ".join(part for part in answer["mistakes"][0] if part))
        path = self._path(question["name"])
        if path.exists() and not question.get("replace"):
            return {"saved": False, "taken": True, "file": answer["file"]}
        self._studies.mkdir(parents=True, exist_ok=True)
        with written(path) as temporary:
            Path(temporary).write_text(answer["text"], "utf-8")
        log.info("explorer: wrote %s", path)
        return {"saved": True, "taken": True, "file": answer["file"]}

    def opened(self, question) -> dict[str, Any]:
        """
        Return an existing study as the page's choices.

        Raises
        ------
        StudyError : there is no such study, or its file cannot be read as YAML
        """
        name = self._known(str(question["name"]))
        path = self._path(name)
        mistakes = sheet.check(path.read_text("utf-8"), name, folder=self._folder, settings=self._settings())
        made = read_yaml(path)
        area = _outlines(made).get("region")
        crs = area.natural_crs if area is not None else drawn.MAPS[0]
        middle = list(area.geometry.representative_point().coords[0]) if area is not None else None
        return {"name": name, "state": sheet.state_of(made), "mistakes": mistakes, "crs": crs, "middle": middle}

    def run(self, question) -> dict[str, Any]:
        """
        Start a plan or a run of a study that is saved.

        Raises
        ------
        StudyError : there is no such study, or a run goes on
        """
        return self.runs.start(
            self._known(question["name"]), question["what"], simulated=bool(question.get("simulated"))
        )

    def going(self, question) -> dict[str, Any]:
        """
        Return how the run goes.

        After its end the report is named as well.
        """
        state = self.runs.state()
        return state | (self.results(state) if "name" in state else {})

    def results(self, question) -> dict[str, Any]:
        """
        Return the addresses of a study's report, and of the viewer of its results.

        They are empty where there are none.

        Raises
        ------
        StudyError : there is no such study
        """
        folder = self.results_of(self._known(question["name"]), simulated=bool(question.get("simulated")))
        report = f"report/{folder.name}/report.html" if (folder / "report.html").exists() else ""
        return {"report": report, "view": f"view.html?of={folder.name}" if report else ""}

    def stop(self, question) -> dict[str, Any]:
        """Stop the run."""
        return self.runs.stop()

    def plan(self, question) -> dict[str, Any]:
        """
        Return the last plan of a study, what `plan_<study>` wrote, with its date.

        The result is empty where there is none.

        Raises
        ------
        StudyError : there is no such study
        """
        folder = self.results_of(self._known(question["name"]), simulated=bool(question.get("simulated")))
        path = folder / "plan.json"
        if not path.exists():
            return {}
        when = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
        told = json.loads(path.read_text("utf-8"))
        return {"date": f"{when:%Y-%m-%d %H:%M} UTC", "lines": plan.lines(told), **told}

    def footprints(self, question) -> dict[str, Any]:
        """
        Return the footprints of the granules of the last plan as lines on one of the maps.

        Returns
        -------
        mapping of `products`, a list of `name`, `granules` (with a footprint), `drawn` (the first ones) and `lines`

        Raises
        ------
        StudyError : there is no such study
        """
        folder = self.results_of(self._known(question["name"]), simulated=bool(question.get("simulated")))
        products = []
        for path in sorted(folder.glob("plan_*.geojson")):
            features = json.loads(path.read_text("utf-8"))["features"]
            shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features[:_FOOTPRINTS]]
            lines = [line for shape in shapes for line in drawn.footprint_lines(shape, question["crs"])]
            name = path.stem.removeprefix("plan_")
            products.append({"name": name, "granules": len(features), "drawn": len(shapes), "lines": lines})
        return {"products": products}

    def coverage(self, question) -> dict[str, Any]:
        """Return what lies over the region of the choices, without a question to any archive."""
        return coverage.of_choices(question, folder=self._folder, settings=self._settings())

    def results_of(self, name, *, simulated=False) -> Path:
        """
        Return the folder of a study's results.

        Raises
        ------
        StudyError : the study cannot be read
        """
        typed = {"archive": "simulated", "size": "tiny"} if simulated else None
        found = study.load(self._path(name), overrides=typed, settings=self._settings())
        return self._folder / found.folder

    def file_of_results(self, path) -> Path | None:
        """
        Return a file below the folders of results of the studies.

        The result is None where there is no such file.
        """
        for name in self._names():
            for simulated in (False, True):
                try:
                    folder = self.results_of(name, simulated=simulated)
                except NunatakError:
                    continue
                found = (folder.parent / path).resolve()
                if found.is_file() and found.is_relative_to(folder.resolve()):
                    return found
        return None

    def _text(self, question, made, areas):
        """Return the text of the file: that of the study which was opened with its comments, or a new one."""
        opened = str(question.get("opened") or "")
        if opened in self._names():
            return editing.edited(self._path(opened).read_text("utf-8"), made)
        return sheet.text_of(made, areas=areas)

    def _known(self, name):
        if name not in self._names():
            raise study.StudyError(f"{name}: no such study; there are {', '.join(self._names())}")
        return name

    def _names(self):
        return sorted(path.stem for path in self._studies.glob("*.yaml") if not path.name.startswith("."))

    def _path(self, name):
        return self._studies / f"{name}.yaml"

    def _load(self, name):
        return study.load(self._path(name), settings=self._settings())

    def _settings(self):
        path = self._folder / "config" / "config.yaml"
        return study.load_settings(path) if path.exists() else {}


def _outlines(made):
    """
    Return the areas of a study by key.

    Those at fault are left to the check.
    """
    outlines = {key: made[key] for key in ("region", "altimetry_region") if key in made}
    outlines |= {f"regions.{name}": spec for name, spec in made.get("regions", {}).items()}
    found = {}
    for key, spec in outlines.items():
        try:
            found[key] = region.load(spec)
        except NunatakError:
            continue
    return found


def _shown(outlines, question):
    """Return the outlines that the page did not draw itself, on its map."""
    crs = question.get("crs")
    given = {
        f"regions.{drawing.get('name')}" if drawing.get("role") == "regions" else drawing.get("role")
        for drawing in question.get("drawings", [])
        if "spec" in drawing
    }
    if not drawn.is_map(crs):
        return {}
    seen = {key: outline for key, outline in outlines.items() if key in given and drawn.is_seen(outline, crs)}
    return {key: {**drawn.drawing_of(outline, crs), "crs": crs} for key, outline in seen.items()}
