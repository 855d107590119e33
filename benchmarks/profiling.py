"""Time and memory of a profile beside other tools, each in a process of its own.

    python benchmarks/profiling.py [--sizes 10kx20,1Mx50] [--tools profile,summarize] [--limit 150] [--others PYTHON]

Wall and CPU seconds and peak memory are the operating system's figures for the whole process, imports included. A tool
that is not installed is skipped; ``--others`` names an interpreter that has the ones this environment lacks. Results go
to benchmarks/results/profiling.json and profiling.md; those of sizes and tools not run are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SIZES = {"10kx20": (10_000, 20), "1Mx50": (1_000_000, 50), "10Mx30": (10_000_000, 30), "5kx2000": (5_000, 2_000)}
TOOLS = {
    "profile": "from clinical_model_selector.profiling import describe_for_prompt, profile_table\n"
    "describe_for_prompt(profile_table(PATH).safe)",
    "DuckDB SUMMARIZE": "import duckdb\nduckdb.connect().execute(f\"SUMMARIZE SELECT * FROM '{PATH}'\").fetchall()",
    "polars describe": "import polars\npolars.read_parquet(PATH).describe()",
    "pandas describe": "import pandas\npandas.read_parquet(PATH).describe(include='all')",
    "ydata-profiling minimal": "import pandas\nfrom ydata_profiling import ProfileReport\n"
    "ProfileReport(pandas.read_parquet(PATH), minimal=True, progress_bar=False).get_description()",
    "SDV detection": "import pandas\nfrom sdv.metadata import Metadata\n"
    "Metadata.detect_from_dataframes({'table': pandas.read_parquet(PATH)})",
}
MODULES = {
    "profile": "clinical_model_selector", "DuckDB SUMMARIZE": "duckdb", "polars describe": "polars",
    "pandas describe": "pandas", "ydata-profiling minimal": "ydata_profiling", "SDV detection": "sdv",
}  # fmt: skip


def generate(path: Path | str, rows: int, columns: int) -> None:
    """A table of mixed types with text, missing cells and identifiers, the same on every run."""
    import duckdb

    makers = (
        "(hash(r * {k}) % 90)::INT",
        "round((hash(r + {k} * 7919) % 1000000) / 7919.0, 3)",
        "CASE WHEN hash(r + {k}) % 10 = 0 THEN NULL ELSE (hash(r + {k} * 31) % 500) / 10.0 END",
        "['male', 'female', 'other'][(hash(r + {k} * 17) % 3 + 1)::INT]",
        "CASE WHEN hash(r + {k}) % 20 = 0 THEN 'NA' "
        "ELSE ['mild', 'moderate', 'severe'][(hash(r * 3 + {k}) % 3 + 1)::INT] END",
        "(hash(r + {k} * 13) % 2)::INT",
        "DATE '2010-01-01' + (hash(r + {k} * 11) % 3000)::INT",
        "'I' || (hash(r + {k} * 5) % 90 + 10)::VARCHAR || '.' || (hash(r + {k}) % 9)::VARCHAR",
        "(hash(r + {k} * 23) % 20)::INT",
        "sqrt((hash(r + {k} * 29) % 1000000)::DOUBLE)",
        "'seen on visit ' || (hash(r + {k}) % 100000)::VARCHAR || ' with pain on the left side'",
    )
    fields = ["(hash(r) % 1000000000)::BIGINT + 100000 AS patient_id"]
    for place in range(1, columns):
        fields.append(f"{makers[place % len(makers)].format(k=place)} AS x{place}")
    duckdb.connect().execute(f"COPY (SELECT {', '.join(fields)} FROM range({rows}) t(r)) TO '{path}' (FORMAT parquet)")


def generate_apart(path: Path, size: str) -> None:
    """In a process of its own: a child's peak memory counts its parent's at the moment of the fork."""
    code = f"import runpy; runpy.run_path({__file__!r})['generate']({str(path)!r}, *{SIZES[size]})"
    subprocess.run([sys.executable, "-c", code], check=True)


def measure(python: str, code: str, limit: float) -> dict[str, Any]:
    """Run ``code`` in a new process and ask the operating system what it took."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [python, "-W", "ignore", "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while True:
        done, status, usage = os.wait4(child.pid, os.WNOHANG)
        wall = time.perf_counter() - began
        if done:
            break
        if wall > limit:
            os.killpg(child.pid, signal.SIGKILL)
            os.wait4(child.pid, 0)
            return {"outcome": f"over {limit:g} s"}
        time.sleep(0.01)
    child.returncode = status
    return {
        "outcome": "ok" if status == 0 else "failed",
        "wall_s": round(wall, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_gb": round(usage.ru_maxrss / 2**20, 2),
    }


def find_python(tool: str, others: str | None) -> str | None:
    """The interpreter that has a tool's library."""
    for python in filter(None, (sys.executable, others)):
        probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({MODULES[tool]!r}) is None)"
        if subprocess.run([python, "-c", probe], check=False).returncode == 0:
            return python
    return None


def render(results: dict[str, dict[str, Any]]) -> str:
    """The results as a Markdown table: wall s / CPU s / peak GB."""
    sizes = [size for size in SIZES if any(size in found for found in results.values())]
    lines = [f"| wall s / CPU s / peak GB | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    for tool, found in results.items():
        runs = [found.get(size, {"outcome": "-"}) for size in sizes]
        cells = [
            f"{r['wall_s']} / {r['cpu_s']} / {r['peak_gb']}" if r["outcome"] == "ok" else r["outcome"] for r in runs
        ]
        lines.append(f"| {tool} | {' | '.join(cells)} |")
    ours, base = results.get("profile"), results.get("DuckDB SUMMARIZE")
    if ours and base:
        shares = [
            f"{ours[size]['wall_s'] / base[size]['wall_s']:.2f} / {ours[size]['cpu_s'] / base[size]['cpu_s']:.2f}"
            if ours.get(size, {}).get("outcome") == base.get(size, {}).get("outcome") == "ok"
            else "-"
            for size in sizes
        ]
        lines.append(f"| profile ÷ SUMMARIZE: wall / CPU | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"


def find_tool(name: str) -> str:
    """The tool that is called ``name``, or whose name alone has that word in it."""
    found = [tool for tool in TOOLS if tool == name] or [tool for tool in TOOLS if name.lower() in tool.lower().split()]
    if len(found) != 1:
        raise SystemExit(f"--tools: no tool is called {name}; there are {', '.join(TOOLS)}")
    return found[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--limit", type=float, default=150.0)
    parser.add_argument("--repeat", type=int, default=1, help="take the run of least CPU time")
    parser.add_argument("--others")
    options = parser.parse_args()
    tools = [find_tool(name) for name in options.tools.split(",")]
    sizes = options.sizes.split(",")
    if unknown := set(sizes) - set(SIZES):
        raise SystemExit(f"--sizes: unknown {', '.join(unknown)}; there are {', '.join(SIZES)}")
    kept = RESULTS / "profiling.json"
    results: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.parquet"
            generate_apart(path, size)
            for tool in tools:
                found = results.setdefault(tool, {})
                python = find_python(tool, options.others)
                if python is None:
                    found[size] = {"outcome": "not installed"}
                    continue
                code = f"PATH = {str(path)!r}\n{TOOLS[tool]}"
                runs = [measure(python, code, options.limit) for _ in range(options.repeat)]
                found[size] = min(runs, key=lambda run: run.get("cpu_s", float("inf")))
                print(size, tool, found[size], flush=True)
            path.unlink()
    RESULTS.mkdir(exist_ok=True)
    kept.write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "profiling.md").write_text(render(results))
    print(render(results))


if __name__ == "__main__":
    main()
