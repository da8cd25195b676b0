"""Notebooks: executed by papermill on a study's results, rendered by nbconvert to one self-contained page."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from nunatak.reports.page import notebook_page
from nunatak.runtime import NunatakError, log, written

SCRIPTS = Path(__file__).resolve().parents[2]
_KERNEL = "nunatak"


def render(notebook, out, *, parameters, title, simulated, folder=".", executed=None):
    """
    Execute a notebook and write it as an HTML page, and as a notebook where that is asked for.

    Parameters
    ----------
    notebook : template with a cell tagged `parameters`, without outputs
    out : HTML file
    parameters : mapping that replaces the parameters cell's values
    title, simulated : of the page
    folder : where the notebook runs; relative paths among the parameters start there
    executed : file for the notebook with its outputs, without parameters, counts and times: equal results give equal
        bytes; None writes none

    Raises
    ------
    NunatakError : a cell failed; names the cell and the error
    """
    with tempfile.TemporaryDirectory(prefix="nunatak-notebook-") as work:
        ran = Path(work) / "executed.ipynb"
        with _kernel(Path(work)):
            _execute(notebook, ran, parameters, folder)
        book = _without_traces(ran)
    if executed is not None:
        with written(executed) as part:
            part.write_text(json.dumps(book, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    with written(out) as part:
        part.write_text(_page(book, title, simulated), "utf-8")


def _execute(notebook, executed, parameters, folder):
    import papermill

    try:
        papermill.execute_notebook(
            str(notebook),
            str(executed),
            parameters=parameters,
            kernel_name=_KERNEL,
            language="python",
            cwd=str(folder),
            progress_bar=False,
            log_output=False,
        )
    except papermill.exceptions.PapermillExecutionError as error:
        log.error("%s", "\n".join(error.traceback))
        raise NunatakError(
            f"{Path(notebook).name}: cell {error.exec_count}: {error.ename}: {error.evalue}; the log has the traceback"
        ) from error


@contextmanager
def _kernel(work):
    """
    Provide a kernel of this very Python with the library on its path, known only while the block runs.

    Jupyter's own folders are put into the temporary one, so that nobody's configuration changes a page.
    """
    spec = work / "jupyter" / "kernels" / _KERNEL
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
    environment = {"PYTHONPATH": str(SCRIPTS), "MPLBACKEND": "agg"}
    kernel = {"argv": argv, "display_name": _KERNEL, "language": "python", "env": environment}
    (spec / "kernel.json").write_text(json.dumps(kernel), "utf-8")
    ours = {
        "JUPYTER_PATH": str(work / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(work / "jupyter"),
        "IPYTHONDIR": str(work / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _without_traces(executed):
    """Return the executed notebook without a trace of when, where and in which order of cells it ran."""
    import nbformat

    book = nbformat.read(executed, as_version=4)
    book.cells = [cell for cell in book.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "tags"}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = _joined(cell.outputs)
    book.metadata = {"language_info": {"name": "python"}}
    return book


def _joined(outputs):
    """
    Return outputs without counts.

    What a cell prints is one piece, however it came over the wire.
    """
    joined: list = []
    for output in outputs:
        output.pop("execution_count", None)
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _page(book, title, simulated):
    """Return an executed notebook as a page: no scripts, no addresses to load from."""
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    exporter = HTMLExporter(template_name="basic", embed_images=True)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(book)
    return notebook_page(body, title=title, simulated=simulated, extra_css=HtmlFormatter().get_style_defs(".highlight"))


def clear(notebook):
    """
    Remove outputs, counts and machine traces from a notebook and return whether anything changed.

    `python -m nunatak.reports.notebook NOTEBOOK ..` clears files in place before they are committed.
    """
    path = Path(notebook)
    before = path.read_text("utf-8")
    book = json.loads(before)
    for number, cell in enumerate(book["cells"]):
        cell["metadata"] = {k: v for k, v in cell.get("metadata", {}).items() if k == "tags"}
        cell["id"] = f"cell-{number:02d}"
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    book["metadata"] = {"language_info": {"name": "python"}}
    after = json.dumps(book, indent=1, ensure_ascii=False) + "\n"
    if after != before:
        with written(path) as part:
            part.write_text(after, "utf-8")
    return after != before


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {'cleared' if clear(name) else 'was clear'}")
