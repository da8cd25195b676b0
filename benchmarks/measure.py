"""
CPU seconds and peak memory of a function, each in a process of its own, and the form of every benchmark's answer.

A benchmark names functions of its own file: `measure(__file__, "ours", arguments)` runs `ours(**arguments)` in a fresh
interpreter that has imported the file. CPU seconds leave out imports and, by a first call that is not counted,
compilation; peak memory is counted above what the imports hold.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

# One thread: CPU seconds are compared, and idle threads of a linear-algebra library spin.
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Measurement:
    """What one function cost, and what it answered."""

    cpu_seconds: float
    """least of the repeats"""
    peak_memory_mb: float
    """above the imports, of a first call"""
    answer: object
    """the function's return value (JSON)"""


def measure(file, function, arguments=None, *, repeat=3):
    """
    Run a benchmark's function in processes of its own.

    Parameters
    ----------
    file : path of the benchmark, `__file__`
    function : name of a function in it that returns something JSON can hold
    arguments : its keyword arguments, JSON too
    repeat : calls that are timed, after one that is not; 0 times the first call itself
    """
    timed = _in_subprocess(file, function, arguments, repeat)
    first = _in_subprocess(file, function, arguments, 0) if repeat else timed
    return Measurement(timed["cpu_seconds"], first["peak_memory_mb"], timed["answer"])


def report(title, rows, result):
    """
    Print the machine, a table, and as the last line one JSON object.

    Parameters
    ----------
    title : what was measured, with sizes
    rows : mapping of label to mapping of column to text or number
    result : mapping of the benchmark's keys to numbers
    """
    print(f"{title}\n{processor()}, Python {platform.python_version()}\n")
    columns = list(next(iter(rows.values())))
    cells = [[label, *(_shown(row[c]) for c in columns)] for label, row in rows.items()]
    widths = [max(len(line[i]) for line in [["", *columns], *cells]) for i in range(len(columns) + 1)]
    for label, *values in [["", *columns], *cells]:
        print("  ".join([label.ljust(widths[0]), *(v.rjust(w) for v, w in zip(values, widths[1:], strict=True))]))
    print()
    print(json.dumps(result))


def processor():
    """The processor's own name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _shown(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _in_subprocess(file, function, arguments, repeat):
    request = json.dumps({"file": str(file), "function": function, "arguments": arguments or {}, "repeat": repeat})
    done = subprocess.run(
        [sys.executable, __file__, request], capture_output=True, text=True, env={**os.environ, **_ONE_THREAD}
    )
    if done.returncode:
        raise RuntimeError(f"{function} of {file} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _serve(request):
    """The other side of `_in_subprocess`."""
    sys.path.insert(0, str(Path(request["file"]).resolve().parent))
    spec = importlib.util.spec_from_file_location("benchmark", request["file"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function, arguments = getattr(module, request["function"]), request["arguments"]
    held = _reset_peak()
    if request["repeat"]:
        function(**arguments)
    seconds = []
    for _ in range(max(request["repeat"], 1)):
        start = time.process_time()
        answer = function(**arguments)
        seconds.append(time.process_time() - start)
    peak = max(_peak() - held, 0.0)
    print(json.dumps({"cpu_seconds": min(seconds), "peak_memory_mb": peak, "answer": answer}))


def _reset_peak():
    """Forget the peak of the imports where the system can; return what the process holds, MB."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _status("VmRSS")


def _peak():
    """Peak resident memory, MB."""
    try:
        return _status("VmHWM")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def _status(field):
    text = Path("/proc/self/status").read_text()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(field)) / 1024


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
