from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.app.jobs.worker import Worker
from clinical_model_selector.app.service.admission.auth import hash_key
from clinical_model_selector.app.service.routes import create_app
from clinical_model_selector.schemas.settings import Settings
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from serving import served

KEY = "cms_of_the_page_test"


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("page")
    return Settings(
        _env_file=None,
        selector_embedded="only",
        selector_environments=str(folder / "environments"),
        service_keys=f"page={hash_key(KEY)}",
        service_data=str(folder / "data"),
    )


@pytest.fixture(scope="session")
def page(settings: Settings) -> Iterator[str]:
    """The page of a service that asks for a key; the embedded recommender answers."""
    with served(create_app(ClinicalModelSelector(settings))) as origin:
        yield origin


@pytest.fixture
def worker(settings: Settings) -> Iterator[None]:
    """Who carries out the service's jobs."""
    worker = Worker(settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield
    worker.stop()
    thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    """Headless Chromium that downloads into ``tmp_path``."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = ChromeOptions()
    options.binary_location = program
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1200,1000",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Reaped by stop(): a driver that is merely left behind warns when it is collected.
    service = Service(driver)
    chrome = Chrome(options=options, service=service)
    # A script counts as dangerous, and waits for a person to say "keep" otherwise.
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    try:
        yield chrome
    finally:
        chrome.quit()
