"""Load on the service: requests at 64-way against a loopback LLM of 200 ms, alive and dead.

    python benchmarks/service_load.py [--requests 1000] [--ways 64] [--latency 0.2] [--out FILE]

Service, LLM and client are three processes. The cache is off and every profile differs, so that each request asks the
LLM. Reported: errors, quantiles of the time to an answer, requests a second, the service's CPU time a request, and its
resident memory after a quarter and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]

_COLUMNS = [
    {"alias": f"c{place}", "kind": "continuous", "role": "feature", "action": "keep", "direct_identifier": False,
     "missing_share": 0.0, "distinct": 100, "encoded_levels": 0}
    for place in range(1, 7)
] + [
    {"alias": f"c{place}", "kind": "categorical", "role": "target" if place == 7 else "feature", "action": "keep",
     "direct_identifier": False, "missing_share": 0.0, "distinct": 3, "encoded_levels": 3}
    for place in range(7, 11)
]  # fmt: skip

_PLAN = {
    "choice": {"method": "gaussian_copula", "marginal": "empirical", "shrinkage": 0.05},
    "backups": [{"method": "cart", "min_samples_leaf": 5},
                {"method": "arf", "num_trees": 30, "min_node_size": 5, "max_iters": 10}],
    "dp": {"enabled": False, "epsilon": None, "delta": None},
    "sample_multiplier": 1.0,
    "max_synth_rows": 600,
    "rationale": "load test",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--ways", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2, help="of the LLM, in seconds")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "service_load.json")
    parser.add_argument("--llm", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.llm:
        asyncio.run(serve_llm(options.llm, options.latency))
        return
    record = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "requests": options.requests,
        "ways": options.ways,
        "latency_s": options.latency,
        "alive": run(options, alive=True),
        "dead": run(options, alive=False),
    }
    text = json.dumps(record, indent=2)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", encoding="utf-8")
    print(text)


def run(options: argparse.Namespace, *, alive: bool) -> dict[str, Any]:
    """One run: start LLM and service, warm up, load, measure."""
    llm, port = free_port(), free_port()
    environment = {
        "OPENROUTER_API_KEY": "sk-or-load",
        "OPENROUTER_BASE": f"http://127.0.0.1:{llm}/api/v1",
        "OPENROUTER_METHOD": "json_schema",
        "OLLAMA_BASE": "http://127.0.0.1:9",
        "SELECTOR_CACHE": "off",
        "SERVICE_REQUESTS_PER_MINUTE": "0",
        "SERVICE_LOG_LEVEL": "error",
    }
    here = [sys.executable, __file__, "--llm", str(llm), "--latency", str(options.latency)]
    serve = [
        sys.executable,
        "-c",
        "from clinical_model_selector.app.cli import main; main()",
        "serve",
        "--port",
        str(port),
    ]
    processes = [subprocess.Popen(here)] if alive else []
    service = subprocess.Popen([*program, "serve", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL)
    processes.append(service)
    try:
        return asyncio.run(load(f"http://127.0.0.1:{port}", options, service.pid))
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


async def load(origin: str, options: argparse.Namespace, pid: int) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=options.ways, max_keepalive_connections=options.ways)
    async with httpx.AsyncClient(base_url=origin, timeout=60, limits=limits) as client:
        await ready(client)
        # The first selections import the provider's package.
        await asyncio.gather(*(ask(client, 100_000 + n) for n in range(options.ways)))
        numbers = iter(range(options.requests))
        answers: list[tuple[float, str]] = []
        memory: list[float] = []

        async def worker() -> None:
            for number in numbers:
                answers.append(await ask(client, number))
                if len(answers) == options.requests // 4:
                    memory.append(resident(pid))

        cpu, began = cpu_seconds(pid), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(options.ways)))
        wall, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
    seconds = sorted(answer[0] for answer in answers)
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "answers": dict(Counter(answer[1] for answer in answers)),
        "p50_s": round(cuts[49], 3),
        "p95_s": round(cuts[94], 3),
        "p99_s": round(cuts[98], 3),
        "max_s": round(seconds[-1], 3),
        "per_second": round(len(answers) / wall, 1),
        "service_cpu_ms_per_request": round(cpu / len(answers) * 1000, 2),
        "resident_mb_at_quarter": round(memory[0], 1),
        "resident_mb_at_end": round(resident(pid), 1),
    }


async def ask(client: httpx.AsyncClient, number: int) -> tuple[float, str]:
    profile = {"rows": 600 + 10 * (number % 40), "columns": _COLUMNS}
    body = {"profile": profile, "goal": f"load {number % 40}"}
    began = time.perf_counter()
    try:
        response = await client.post("/v1/plans", json=body)
    except httpx.HTTPError as error:
        return time.perf_counter() - began, type(error).__name__
    told = response.headers.get("x-selector-provider", str(response.status_code))
    return time.perf_counter() - began, told


async def ready(client: httpx.AsyncClient) -> None:
    for _ in range(300):
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.HTTPError:
            await asyncio.sleep(0.1)
    raise SystemExit("the service did not start")


async def serve_llm(port: int, latency: float) -> None:
    """An LLM in OpenRouter's format that always answers the same, after ``latency``."""
    message = {"role": "assistant", "content": json.dumps(_PLAN)}
    body = json.dumps(
        {
            "id": "x", "object": "chat.completion", "created": 0, "model": "load",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1700, "completion_tokens": 150, "total_tokens": 1850, "cost": 0.001},
        }
    ).encode()  # fmt: skip
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in request.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                await asyncio.sleep(latency)
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError, StopIteration):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def resident(pid: int) -> float:
    """Resident memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
