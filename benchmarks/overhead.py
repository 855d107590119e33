"""CPU per selection, and throughput at 64 at a time, beside other ways to make the same structured call.

Every client asks the same loopback server the same question for the same plan, each in a process of its own; rounds
are interleaved, so that a busy machine is busy for all, and medians are compared. Ours does more than the others: it
also ranks the synthesizers, renders the prompt, checks the plan against table and policy, and keeps accounts.

    python benchmarks/overhead.py --rounds 7
    python benchmarks/overhead.py --python .bench/bin/python

The second interpreter is for the other libraries (their versions of openai may differ from ours):
    python -m venv .bench && .bench/bin/pip install -r benchmarks/overhead-requirements.txt && \
        .bench/bin/pip install --no-deps -e .
A library that is not installed there is named and passed over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "overhead.json"
AT_ONCE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=40, help="calls in a row per client and round")
    parser.add_argument("--python", default=sys.executable, help="interpreter with the other libraries")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--work", metavar="CLIENT", help=argparse.SUPPRESS)
    parser.add_argument("--base", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    elif options.work:
        work(options.work, options.base)
    else:
        compare(options.rounds, options.calls, options.python)


def compare(rounds: int, calls: int, others: str) -> None:
    with start(sys.executable, "--serve") as server:
        base = read_line(server)
        workers: dict[str, subprocess.Popen[str]] = {}
        missing: dict[str, str] = {}
        names: dict[str, str] = {}
        for client in CLIENTS:
            worker = start(sys.executable if client == "ours" else others, "--work", client, "--base", base)
            status, _, text = read_line(worker).partition(" ")
            if status == "ready":
                workers[client], names[client] = worker, text
            else:
                missing[client] = text or "ended at once"
                print(f"{client}: passed over, {missing[client]}", flush=True)
        cpu: dict[str, list[float]] = {client: [] for client in workers}
        rate: dict[str, list[float]] = {client: [] for client in workers}
        for turn in range(rounds):
            for client, worker in workers.items():
                cpu[client].append(command(worker, f"cpu {calls}"))
                rate[client].append(command(worker, f"rate {AT_ONCE * 2}"))
            print(f"round {turn + 1} of {rounds}", flush=True)
        for process in (*workers.values(), server):
            process.kill()
            process.wait()
    report(cpu, rate, names, missing, rounds, calls)


def report(
    cpu: dict[str, list[float]],
    rate: dict[str, list[float]],
    names: dict[str, str],
    missing: dict[str, str],
    rounds: int,
    calls: int,
) -> None:
    ours = statistics.median(cpu["ours"])
    rows = {
        client: {
            "version": names[client],
            "cpu_ms_per_call": round(statistics.median(values) * 1e3, 3),
            "cpu_of_ours": round(statistics.median(values) / ours, 3),
            "calls_per_second_at_64": round(statistics.median(rate[client]), 1),
        }
        for client, values in cpu.items()
    }
    for client, row in sorted(rows.items(), key=lambda item: item[1]["cpu_ms_per_call"]):
        print(f"{client:12} {row['version']:10} {row['cpu_ms_per_call']:8.2f} ms CPU  x{row['cpu_of_ours']:<6}"
              f" {row['calls_per_second_at_64']:8.1f}/s at {AT_ONCE}")  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    found = {"rounds": rounds, "calls": calls, **machine, "clients": rows, "passed_over": missing}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print("written to", RESULTS)


def start(python: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, str(HERE / "overhead.py"), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def command(process: subprocess.Popen[str], text: str) -> float:
    assert process.stdin is not None
    process.stdin.write(text + "\n")
    process.stdin.flush()
    return float(read_line(process))


def work(client: str, base: str) -> None:
    """One client in its own process: answer commands on stdin with seconds, or calls per second."""
    try:
        name, call, acall = CLIENTS[client](base)
    except ImportError as error:
        print(f"missing {error.name}", flush=True)
        return
    for _ in range(5):
        call()
    print(f"ready {name}", flush=True)
    with asyncio.Runner() as runner:
        runner.run(at_once(acall, AT_ONCE))
        for line in sys.stdin:
            what, count = line.split()
            if what == "cpu":
                began = time.process_time()
                for _ in range(int(count)):
                    call()
                print((time.process_time() - began) / int(count), flush=True)
            else:
                started = time.perf_counter()
                runner.run(at_once(acall, int(count)))
                print(int(count) / (time.perf_counter() - started), flush=True)


async def at_once(acall: Callable[[], Awaitable[Any]], count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await acall()

    await asyncio.gather(*(one() for _ in range(count)))


def load_case() -> dict[str, Any]:
    """The question as messages, and the plan that answers it: written down, so that all processes agree."""
    case: dict[str, Any] = json.loads((HERE / "overhead-case.json").read_text())
    return case


def plan_type() -> Any:
    return import_module("clinical_model_selector.schemas.plan").ModelSelectionPlan


def ours(base: str) -> tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]:
    from clinical_model_selector.agents import ClinicalModelSelector
    from clinical_model_selector.schemas.settings import Settings

    settings = Settings(
        openrouter_api_key="sk-loopback-0123456789",
        openrouter_base=base,
        openrouter_method="json_schema",
        selector_cache="off",
        selector_embedded="never",
    )
    selector = ClinicalModelSelector(settings)
    asked = {"profile": load_case()["profile"], "provider": "openrouter"}
    return version("clinical-model-selector"), lambda: selector.invoke(asked), lambda: selector.ainvoke(asked)


def raw_httpx(base: str) -> tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]:
    import httpx

    plan = plan_type()
    form = {"name": "plan", "schema": plan.model_json_schema(), "strict": True}
    body = {
        "model": "m",
        "messages": load_case()["messages"],
        "response_format": {"type": "json_schema", "json_schema": form},
    }
    client, aclient = httpx.Client(timeout=60), httpx.AsyncClient(timeout=60)

    def parse(response: httpx.Response) -> Any:
        return plan.model_validate_json(response.json()["choices"][0]["message"]["content"])

    async def acall() -> Any:
        return parse(await aclient.post(f"{base}/chat/completions", json=body))

    return httpx.__version__, lambda: parse(client.post(f"{base}/chat/completions", json=body)), acall


def raw_openai(base: str) -> tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]:
    import openai

    client, aclient = (kind(api_key="k", base_url=base, max_retries=0) for kind in (openai.OpenAI, openai.AsyncOpenAI))
    asked: dict[str, Any] = {"model": "m", "messages": load_case()["messages"], "response_format": plan_type()}

    async def acall() -> Any:
        return (await aclient.chat.completions.parse(**asked)).choices[0].message.parsed

    return openai.__version__, lambda: client.chat.completions.parse(**asked).choices[0].message.parsed, acall


def with_instructor(base: str) -> tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]:
    import instructor
    import openai

    client = instructor.from_openai(openai.OpenAI(api_key="k", base_url=base, max_retries=0))
    aclient = instructor.from_openai(openai.AsyncOpenAI(api_key="k", base_url=base, max_retries=0))
    asked: dict[str, Any] = {"model": "m", "messages": load_case()["messages"], "response_model": plan_type()}
    return (
        version("instructor"),
        lambda: client.chat.completions.create(**asked),
        lambda: aclient.chat.completions.create(**asked),
    )


def with_pydantic_ai(base: str) -> tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    system, user = (message["content"] for message in load_case()["messages"])
    model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=base, api_key="k"))
    agent = Agent(model, output_type=plan_type(), system_prompt=system)
    return version("pydantic-ai-slim"), lambda: agent.run_sync(user).output, lambda: agent.run(user)


def with_litellm(base: str) -> tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]:
    import litellm

    plan = plan_type()
    asked: dict[str, Any] = {
        "model": "openai/m",
        "messages": load_case()["messages"],
        "response_format": plan,
        "api_base": base,
        "api_key": "k",
        "num_retries": 0,
    }

    def parse(response: Any) -> Any:
        return plan.model_validate_json(response.choices[0].message.content)

    async def acall() -> Any:
        return parse(await litellm.acompletion(**asked))

    return version("litellm"), lambda: parse(litellm.completion(**asked)), acall


CLIENTS: dict[str, Callable[[str], tuple[str, Callable[[], Any], Callable[[], Awaitable[Any]]]]] = {
    "ours": ours,
    "httpx": raw_httpx,
    "openai": raw_openai,
    "instructor": with_instructor,
    "pydantic-ai": with_pydantic_ai,
    "litellm": with_litellm,
}


async def serve() -> None:
    """A server that does next to nothing, so that the clients' work is what is seen."""
    plan = json.dumps(load_case()["plan"])
    listening = await asyncio.start_server(lambda reader, writer: answer_all(reader, writer, plan), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, plan: str) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            body = answer(json.loads(await reader.readexactly(length)), plan)
            lines = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(lines.encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def answer(request: dict[str, Any], plan: str) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": plan}
    if request.get("tools"):
        function = {"name": request["tools"][0]["function"]["name"], "arguments": plan}
        call = {"id": "call_1", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    done = {"index": 0, "finish_reason": "tool_calls" if request.get("tools") else "stop", "message": message}
    usage = {"prompt_tokens": 1700, "completion_tokens": 210, "total_tokens": 1910, "cost": 0.00825}
    whole = {"id": "gen-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [done], "usage": usage}
    return json.dumps(whole).encode()


if __name__ == "__main__":
    main()
