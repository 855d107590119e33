"""Load on the service: requests at 64-way against a loopback LLM of 200 ms, alive and dead.

    python benchmarks/service_load.py [--requests 1000] [--ways 64] [--latency 0.2] [--rates 40,80] [--out FILE]

Service, LLM and client are three processes. The cache is off and every profile differs, so that each request asks the
LLM. Reported: errors, quantiles of the time to an answer, requests a second, the service's CPU time a request, and its
resident memory after a quarter and at the end; at 64-way, which is as fast as the service can, and at steady rates. The
load average tells whether the machine was ours: above the number of cores the times are those of the queue for a core.
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

ROOT = Path(__file__).parents[1]

Answer = tuple[float, str]
"""Seconds, and who answered or the status."""

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
    parser.add_argument("--rates", type=parse_rates, default="40,80", help="requests a second, comma-separated")
    parser.add_argument("--seconds", type=float, default=10.0, help="at each rate")
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
        "load_average_before": round(os.getloadavg()[0], 1),
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
        "SERVICE_JOB_WORKERS": "0",
    }
    here = [sys.executable, __file__, "--llm", str(llm), "--latency", str(options.latency)]
    program = [sys.executable, "-c", "from clinical_model_selector.app.cli.main import main; main()"]
    processes = [subprocess.Popen(here)] if alive else []
    service = subprocess.Popen([*program, "serve", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL)
    processes.append(service)
    try:
        return asyncio.run(load(port, options, service.pid))
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


async def load(port: int, options: argparse.Namespace, pid: int) -> dict[str, Any]:
    """Closed loop first: each of so many clients asks again as soon as it is answered; then by the clock."""
    await ready(port)
    # The first selections import the provider's package, and count the breaker down where the LLM is dead.
    await closed_loop(port, pid, range(100_000, 100_000 + 2 * options.ways), options.ways)
    record = {"closed_loop": await closed_loop(port, pid, range(options.requests), options.ways)}
    for rate in options.rates:
        numbers = range(1_000_000, 1_000_000 + round(rate * options.seconds))
        record[f"at_{rate:g}_per_second"] = await open_loop(port, pid, numbers, rate)
    return record


async def closed_loop(port: int, pid: int, numbers: range, ways: int) -> dict[str, Any]:
    left, answers, memory = iter(numbers), list[Answer](), list[float]()

    async def client() -> None:
        async with Connection(port) as connection:
            for number in left:
                answers.append(await connection.ask(number))
                if len(answers) == len(numbers) // 4:
                    memory.append(resident(pid))

    cpu, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(ways)))
    return {
        **described(answers, time.perf_counter() - began, cpu_seconds(pid) - cpu),
        "resident_mb_at_quarter": round(memory[0], 1),
        "resident_mb_at_end": round(resident(pid), 1),
    }


async def open_loop(port: int, pid: int, numbers: range, rate: float) -> dict[str, Any]:
    """Requests at a steady rate, answered or not: the time of each counts from when it was due."""
    idle: list[Connection] = []
    began = time.perf_counter()

    async def client(number: int, due: float) -> Answer:
        await asyncio.sleep(due - time.perf_counter())
        connection = idle.pop() if idle else await Connection(port).__aenter__()
        _, told = await connection.ask(number)
        idle.append(connection)
        return time.perf_counter() - due, told

    cpu = cpu_seconds(pid)
    dues = (began + place / rate for place in range(len(numbers)))
    answers = await asyncio.gather(*(client(number, due) for number, due in zip(numbers, dues, strict=True)))
    wall, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
    for connection in idle:
        await connection.__aexit__()
    return described(answers, wall, cpu)


def described(answers: list[Answer], wall: float, cpu: float) -> dict[str, Any]:
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
    }


class Connection:
    """HTTP/1.1 by hand: a client library would take a third of the cores' time away from the service."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, number: int) -> Answer:
        """A plan for profile ``number``; no two numbers below 50,000 are the same table."""
        first = {**_COLUMNS[0], "distinct": 21 + number % 79, "missing_share": number // 79 % 100 / 100}
        profile = {"rows": 600 + 10 * (number // 7900 % 40), "columns": [first, *_COLUMNS[1:]]}
        body = json.dumps({"profile": profile, "goal": f"load {number % 40}"}).encode()
        head = "POST /v1/plans HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        began = time.perf_counter()
        self._writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in answer.split("\r\n")[1:] if line)
        await self._reader.readexactly(int(headers["content-length"]))
        return time.perf_counter() - began, headers.get("x-selector-provider", answer[:12])


async def ready(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
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


def parse_rates(text: str) -> list[float]:
    return [float(part) for part in text.split(",") if part]


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
