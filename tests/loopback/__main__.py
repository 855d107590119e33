"""Serve valid plans by hand: ``PYTHONPATH=tests python -m loopback --openrouter 8801 --ollama 8802``."""

from __future__ import annotations

import argparse
import signal

from .formats import OLLAMA_LOOKUPS, OPENROUTER_LOOKUPS, answer_ollama, answer_openrouter, status
from .server import ScriptedServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="loopback", description=__doc__)
    parser.add_argument("--openrouter", type=int, metavar="PORT", help="speak OpenRouter's format on this port")
    parser.add_argument("--ollama", type=int, metavar="PORT", help="speak Ollama's format on this port")
    parser.add_argument("--openrouter-status", type=int, metavar="CODE", help="answer every question with this error")
    options = parser.parse_args()
    if options.openrouter:
        server = ScriptedServer(answer_openrouter, OPENROUTER_LOOKUPS, options.openrouter)
        if options.openrouter_status:
            server.always(status(options.openrouter_status, "No auth credentials found"))
        print(f"OPENROUTER_BASE={server.origin}/api/v1", flush=True)
    if options.ollama:
        print(f"OLLAMA_BASE={ScriptedServer(answer_ollama, OLLAMA_LOOKUPS, options.ollama).origin}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
