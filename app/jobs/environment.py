"""The environment that a job's process, or a worker that ``serve`` starts, gets."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from ...schemas.settings import Settings

__all__ = ["job_environment"]

_PASSED_ON = (
    "PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "TMPDIR", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
    "NO_PROXY",
)  # fmt: skip
"""What libraries need of the machine's: where programs are, and how the network is reached."""


def job_environment(settings: Settings, temporary: Path | None = None, *, keys: bool = True) -> dict[str, str]:
    """What the machine needs, and every setting that is set, wherever it came from.

    Args:
        settings: The service's.
        temporary: The temporary directory.
        keys: Pass on the key of OpenRouter: only who plans needs it.
    """
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value() if keys else None
        if value is not None and value != "":
            variables[name.upper()] = str(value)
    variables |= {"SERVICE_DATA": str(settings.service_folder), "LC_ALL": "C.UTF-8"}
    return variables if temporary is None else {**variables, "TMPDIR": str(temporary)}
