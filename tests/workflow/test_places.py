"""What a job is started in and with: found or not found, killed or not, and said as what it is."""

from __future__ import annotations

import pytest
from tests.workflow.workflow_runs import TINY

SIMULATE = ("ross_sea", "--until", "simulate_granules")
LOG = "logs/simulated/ross_sea-tiny/atl10/simulate.log"


def test_a_python_that_is_not_there_is_named(flow):
    """Exit code 127, whatever an older log says."""
    file = flow / "Snakefile"
    file.write_text(file.read_text() + '\nsys.executable = "/opt/gone/python"\n')
    (flow / LOG).parent.mkdir(parents=True)
    (flow / LOG).write_text("2026-01-01 00:00:00,000 ERROR of an earlier run\n")
    done = flow.run(*SIMULATE, **TINY)
    assert done.code != 0
    [line] = done.reasons
    assert line.startswith("simulate_granules: not started (exit code 127): /opt/gone/python was not found; ")
    assert "remove .venv" in line and "earlier run" not in done.text


@pytest.mark.parametrize(
    ("work", "words"),
    [
        ("os.kill(os.getpid(), 9)", "killed (signal 9), most often for want of memory"),
        ("sys.exit(3)", "ended with exit code 3 before it wrote to its log"),
    ],
)
def test_a_job_that_ends_without_a_word_is_explained_by_how_it_ended(flow, work, words):
    file = flow / "scripts/simulate_granules.py"
    first, _, rest = file.read_text().partition("\n")
    file.write_text(f"{first}\nimport os, sys\n{work}\n{rest}")
    done = flow.run(*SIMULATE, **TINY)
    assert done.code != 0
    [line] = done.reasons
    assert line.startswith(f"simulate_granules: {words}")


def test_a_shell_of_another_proj_is_told_once(flow):
    done = flow.run(*SIMULATE, "-n", **TINY)
    assert done.code == 0, done.text
    for name in ("PROJ_LIB=/opt/qgis/share/proj", "GDAL_DATA=/opt/qgis/share/gdal"):
        assert done.text.count(f"{name} is of another installation and is not passed on") == 1
