"""``serve`` as a process of its own: what it refuses, what it logs at start, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinical_model_selector.app.cli.main import main
from clinical_model_selector.app.service.admission.auth import hash_key
from clinical_model_selector.app.service.server import read_or_make_key
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.settings import Settings
from loopback.formats import answer_openrouter
from loopback.server import Recorded, ScriptedServer


def test_other_machines_are_not_served_without_a_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--host", "0.0.0.0"])
    assert ended.value.code == 2
    assert "no key is set" in capsys.readouterr().err


def test_a_new_key_is_printed_once_with_the_line_to_keep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--new-key", "backend"])
    printed = capsys.readouterr()
    key = printed.out.strip()
    assert (ended.value.code or 0, len(key) >= 40) == (0, True)
    line = printed.err.splitlines()[-1]
    assert Settings(_env_file=None, service_keys=line).service_key_hashes == {"backend": (hash_key(key),)}
    assert key not in line


_WITHOUT_LIGHT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("joblib", "numpy", "pandas", "psutil", "scipy", "sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from clinical_model_selector.app.service.routes import create_app
app = create_app()
"""


def test_a_service_that_only_plans_needs_no_synthesizers(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_LIGHT],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()


def test_a_key_file_is_made_once_and_opens(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = read_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_or_make_key(path) == key
    for content, mode in (("short\n", 0o600), (key, 0o644)):
        path.write_text(content)
        path.chmod(mode)
        with pytest.raises(SettingsError, match="--key-file"):
            read_or_make_key(path)
    with pytest.raises(SettingsError, match="--key-file"):
        read_or_make_key(tmp_path / "none" / "key")


def test_it_finishes_what_runs_and_takes_no_more(
    tmp_path: Path, openrouter_server: ScriptedServer, safe_profile: dict[str, Any]
) -> None:
    asked = threading.Event()

    def answer_late(recorded: Recorded) -> Any:
        def act(to: Any) -> None:
            asked.set()
            to.pause(1.0)
            answer_openrouter(recorded)(to)

        return act

    openrouter_server.default = answer_late
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    environment = {
        "OPENROUTER_API_KEY": "sk-or-very-secret",
        "OPENROUTER_BASE": f"{openrouter_server.origin}/api/v1",
        "OPENROUTER_METHOD": "json_schema",
    }
    program = [sys.executable, "-c", "from clinical_model_selector.app.cli.main import main; main()"]
    with subprocess.Popen(
        [*program, "serve", "--port", str(port)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _wait_until_ready(origin, process)
            answers: list[httpx.Response] = []
            body = {"profile": safe_profile}
            waiting = threading.Thread(
                target=lambda: answers.append(httpx.post(f"{origin}/v1/plans", json=body, timeout=60))
            )
            waiting.start()
            assert asked.wait(30)
            process.send_signal(signal.SIGTERM)
            waiting.join(60)
            code = process.wait(60)
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{origin}/healthz")
            assert process.stderr is not None
            log = process.stderr.read()
        finally:
            process.kill()
    assert [answer.status_code for answer in answers] == [200]
    assert answers[0].json()["provenance"]["provider"] == "openrouter"
    # uvicorn ends by the signal it was sent, after everything is closed.
    assert code in (0, -signal.SIGTERM)
    lines = [json.loads(line) for line in log.splitlines()]
    started = next(line for line in lines if line["event"] == "settings")
    assert started["openrouter_api_key"] == "set"
    assert started["openrouter_base"] == environment["OPENROUTER_BASE"]
    assert started["ollama_model"]
    assert "very-secret" not in log


def _wait_until_ready(origin: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{origin}/healthz").status_code == 200:
                return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


def test_a_port_that_is_taken_is_told_and_is_no_missing_provider(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", "from clinical_model_selector.app.cli.main import main; main()"]
        ended = subprocess.run(
            [*command, "serve", "--port", port],
            cwd=tmp_path,
            env={**os.environ, "SELECTOR_EMBEDDED": "only", "SERVICE_DATA": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 1
    assert f"error: cannot listen on 127.0.0.1:{port}" in ended.stderr
