"""What the explorer's page asks: what there is to choose, a study checked, saved, opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nunatak import study
from nunatak.explorer import drawn, sheet
from nunatak.geometry import region
from nunatak.parameters.archives import ARCHIVES
from nunatak.runtime import NunatakError, log, written
from nunatak.study import reference
from nunatak.study.yaml_files import read_yaml

# commands that end with the study's name
_COMMANDS = (("make plan_{name}", "what a run would fetch, and what it costs"), ("make {name}", "run the study"))

# what the page may ask, each a method of Desk
QUESTIONS = ("start", "outlines", "check", "save", "opened")


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
        if crs not in drawn.MAPS:
            raise study.StudyError(f"crs: got {crs!r}; ask for one of {', '.join(drawn.MAPS)}")
        for name, entry in region.gazetteer().items():
            shapes.append((name, entry["title"], "gazetteer", region.load(name)))
        for name in self._names():
            try:
                shapes.append((name, name, "study", self._load(name).region))
            except NunatakError as error:
                log.warning("explorer: %s", error)
        seen = [shape for shape in shapes if _is_seen(shape[3], crs)]
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
        text = self._text(question, made, areas)
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
        name = str(question["name"])
        if name not in self._names():
            raise study.StudyError(f"{name}: no such study; there are {', '.join(self._names())}")
        path = self._path(name)
        mistakes = sheet.check(path.read_text("utf-8"), name, folder=self._folder, settings=self._settings())
        made = read_yaml(path)
        area = _outlines(made).get("region")
        crs = area.natural_crs if area is not None else drawn.MAPS[0]
        best = crs if crs in drawn.MAPS else drawn.DEGREES
        return {"name": name, "state": sheet.state_of(made), "mistakes": mistakes, "crs": best}

    def _text(self, question, made, areas):
        return sheet.text_of(made, areas=areas)

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
    """Return the areas of a study by key; those at fault are left to the check."""
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
    if crs not in drawn.MAPS:
        return {}
    seen = {key: outline for key, outline in outlines.items() if key in given and _is_seen(outline, crs)}
    return {key: {**drawn.drawing_of(outline, crs), "crs": crs} for key, outline in seen.items()}


def _is_seen(outline, crs):
    """Return whether a map shows the region of an outline."""
    _, south, _, north = outline.bounds
    if crs == drawn.DEGREES:
        return True
    return north > 50 if crs == "EPSG:3413" else south < -50
