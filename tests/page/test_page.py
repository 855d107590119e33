"""The whole way through the page, in a browser: file, profile, correction, what would leave, plan, downloads."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.app.web.python_script import python_code
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.result import SelectionResult
from clinical_model_selector.schemas.settings import Settings
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from .conftest import KEY

EXAMPLE = Path(__file__).parents[2] / "examples" / "gbsg2.csv"
HOSTILE = '<img src=x onerror=document.title="owned">'


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_a_file_to_a_downloaded_plan(browser: Chrome, page: str, tmp_path: Path, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page)
    _by_id(browser, "file").send_keys(str(EXAMPLE))
    _by_id(browser, "key").send_keys(KEY)
    assert _offered(browser) == EXAMPLE.read_text().splitlines()[0].split(",")
    _by_id(browser, "target").send_keys("cens")
    _by_id(browser, "option-goal").send_keys("predict cens for partners")
    _by_id(browser, "profile-button").click()
    _wait_for(browser, "step-profile")
    assert "686 rows, 10 columns" in _by_id(browser, "profile").text
    assert _kind(browser, "menostat").first_selected_option.text == "boolean"

    _kind(browser, "menostat").select_by_value("free_text")
    _by_id(browser, "profile-button").click()
    WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, "[data-corrected]"))
    assert _kind(browser, "menostat").first_selected_option.text == "free text"
    _kind(browser, "horTh").select_by_value("categorical")

    browser.find_element(By.CSS_SELECTOR, "#prompt summary").click()
    leaving = browser.find_element(By.CSS_SELECTOR, "#prompt pre").text
    assert "goal: predict c" in leaving
    for name in ("menostat", "cens", "horTh", "gbsg2"):
        assert name not in leaving

    _by_id(browser, "plan-button").click()
    _wait_for(browser, "step-plan")
    method = _by_id(browser, "choice").text
    assert _by_id(browser, "provider").text.startswith("embedded")
    assert method in browser.find_element(By.CSS_SELECTOR, "svg.chart").text
    assert "menostat" in browser.page_source

    for link in browser.find_elements(By.CSS_SELECTOR, ".downloads a"):
        link.click()
    plan = ModelSelectionPlan.model_validate_json(_downloaded(tmp_path / "plan.json"))
    assert plan.choice.method == method
    result = SelectionResult.model_validate_json(_downloaded(tmp_path / "result.json"))
    assert result.plan == plan
    assert {item.column: item.action for item in result.treatments}["menostat"] == "drop"
    assert "synthesize(table, result" in _downloaded(tmp_path / "plan.py")

    height = browser.execute_script("return document.documentElement.scrollHeight")
    browser.set_window_size(1200, height + 200)
    assert browser.save_screenshot(str(tmp_path / f"{scheme}.png"))
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 21, 26)"}[scheme]
    _assert_calm(browser, page)


@pytest.mark.usefixtures("worker")
def test_from_a_file_to_a_synthetic_table_and_its_report(
    browser: Chrome, page: str, tmp_path: Path, settings: Settings
) -> None:
    browser.get(page)
    _by_id(browser, "file").send_keys(str(EXAMPLE))
    _by_id(browser, "key").send_keys(KEY)
    _by_id(browser, "target").send_keys("cens")
    allowed = browser.find_elements(By.CSS_SELECTOR, "[name=allowed]")
    if allowed and allowed[0].tag_name == "input":
        allowed[0].send_keys("gaussian_copula,cart,tvae")
    _by_id(browser, "profile-button").click()
    _wait_for(browser, "step-profile")
    _by_id(browser, "plan-button").click()
    _wait_for(browser, "step-plan")
    _by_id(browser, "make-button").click()
    WebDriverWait(browser, 240).until(
        lambda b: b.find_elements(By.ID, "step-job") or _by_id(b, "problem").text, "no synthetic table"
    )
    assert _by_id(browser, "problem").text == ""
    assert browser.switch_to.active_element.get_attribute("id") == "step-job"
    assert "Judged by" in _by_id(browser, "job").text
    WebDriverWait(browser, 10).until(lambda b: _by_id(b, "make-button").is_enabled())
    for link in browser.find_elements(By.CSS_SELECTOR, "a[data-file]"):
        WebDriverWait(browser, 10).until(lambda b: _by_id(b, "make-button").is_enabled())
        link.click()
    made = _downloaded(tmp_path / "synthetic.csv").splitlines()
    assert made[0] == EXAMPLE.read_text().splitlines()[0]
    assert len(made) > 300
    assert "<svg" in _downloaded(tmp_path / "report.html")
    assert json.loads(_downloaded(tmp_path / "card.json"))["seed"] is not None
    jobs = settings.service_folder / "jobs"
    assert len(list(jobs.iterdir())) == 1
    WebDriverWait(browser, 10).until(lambda b: _by_id(b, "make-button").is_enabled())
    _by_id(browser, "remove-button").click()
    WebDriverWait(browser, 20).until(lambda b: not b.find_elements(By.ID, "step-job"))
    assert list(jobs.iterdir()) == []
    _assert_calm(browser, page)


def _offered(browser: Chrome) -> list[str]:
    """The names that target and patient can be chosen from, once they are there."""
    WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#columns option"))
    return [str(item.get_attribute("value")) for item in browser.find_elements(By.CSS_SELECTOR, "#columns option")]


HEADERS = {
    "semicolons.csv": ('\ufeff"Größe";"a;b";id\n1;2;3\n', ["Größe", "a;b", "id"]),
    "tabs.tsv": ("age\tsex of patient\r\n1\tm\r\n", ["age", "sex of patient"]),
    "packed.csv.gz": ("age,sex\n1,m\n" * 50_000, ["age", "sex"]),
    "one.csv": ("age", ["age"]),
}


def test_columns_are_offered_from_headers_of_text_files(browser: Chrome, page: str, tmp_path: Path) -> None:
    for name, (text, names) in HEADERS.items():
        content = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        browser.get(page)
        _by_id(browser, "file").send_keys(str(tmp_path / name))
        assert _offered(browser) == names


def test_the_keyboard_alone_is_enough(browser: Chrome, page: str) -> None:
    browser.get(page)
    _by_id(browser, "file").send_keys(str(EXAMPLE))
    _tab_to(browser, "key").send_keys(KEY)
    _tab_to(browser, "profile-button").send_keys(Keys.ENTER)
    _wait_for(browser, "step-profile")
    # The new part takes the focus, so that a screen reader goes on there.
    assert browser.switch_to.active_element.get_attribute("id") == "step-profile"
    _tab_to(browser, "plan-button").send_keys(Keys.SPACE)
    _wait_for(browser, "step-plan")
    assert browser.switch_to.active_element.get_attribute("id") == "step-plan"
    assert _by_id(browser, "status").text == "The plan is ready."


def test_a_screen_reader_finds_a_name_for_everything(browser: Chrome, page: str) -> None:
    _to_plan(browser, page, EXAMPLE)
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    named = browser.find_elements(By.CSS_SELECTOR, "input, select, button, a, svg, [role=region]")
    for element in filter(WebElement.is_displayed, named):
        assert element.accessible_name, element.get_attribute("outerHTML")[:200]
    roles = {element.get_attribute("role") for element in browser.find_elements(By.CSS_SELECTOR, "[role]")}
    assert {"status", "alert", "img", "region"} <= roles
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    levels = [int(h.tag_name[1]) for h in browser.find_elements(By.CSS_SELECTOR, "h1, h2, h3")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for header in browser.find_elements(By.TAG_NAME, "th"):
        assert header.get_attribute("scope") in ("col", "row")


def test_the_python_code_carries_the_plan_out(tmp_path: Path) -> None:
    result = ClinicalModelSelector(Settings(_env_file=None, selector_embedded="only")).select(
        EXAMPLE, target="cens", allowed=["gaussian_copula"]
    )
    (tmp_path / "result.json").write_text(result.model_dump_json())
    (tmp_path / "plan.py").write_text(python_code(result))
    ran = subprocess.run(
        [sys.executable, "plan.py", str(EXAMPLE)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "rows by gaussian_copula; release: " in ran.stdout
    assert (tmp_path / "synthetic.csv").read_text().splitlines()[0] == EXAMPLE.read_text().splitlines()[0]
    assert "<svg" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(browser: Chrome, page: str, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page)
    style = "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim()"
    colours = {name: browser.execute_script(style, f"--{name}") for name in (
        "text", "muted", "accent", "on-accent", "warn", "bad", "back", "panel"
    )}  # fmt: skip
    pairs = [(name, "back") for name in ("text", "muted", "accent", "warn", "bad")]
    for front, back in [*pairs, ("text", "panel"), ("muted", "panel"), ("on-accent", "accent")]:
        assert _contrast(colours[front], colours[back]) >= 4.5, (front, back)


def test_on_a_phone_no_word_is_broken_letter_by_letter(browser: Chrome, page: str) -> None:
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    _to_plan(browser, page, EXAMPLE)
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    widths = browser.execute_script(
        "return [...document.querySelectorAll('td, th')].filter(e => e.textContent.trim().length > 3)"
        # On a phone a table's rows are cards, and its headings are not shown.
        ".filter(e => e.offsetParent !== null).map(e => e.getBoundingClientRect().width)"
    )
    assert min(widths) >= 40
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_a_column_name_cannot_break_out(browser: Chrome, page: str, tmp_path: Path) -> None:
    table = tmp_path / "hostile.csv"
    name = HOSTILE.replace('"', '""')
    table.write_text(f'"{name}",age,sex\n' + "".join(f"{r % 5},{20 + r % 60},{'mf'[r % 2]}\n" for r in range(300)))
    _to_plan(browser, page, table)
    assert browser.title == "Clinical model selector"
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert HOSTILE in browser.find_element(By.CSS_SELECTOR, "#profile table").text
    _assert_calm(browser, page)


def test_a_table_that_nothing_fits_is_told_before_anyone_is_asked(browser: Chrome, page: str, tmp_path: Path) -> None:
    table = tmp_path / "small.csv"
    table.write_text("a,b,c\n" + "".join(f"{row % 7},{row % 3},{row % 5}\n" for row in range(60)))
    _to_profile(browser, page, table)
    told = _by_id(browser, "profile").text
    assert "no plan is possible" in told
    assert "hipaa_like needs at least 100 rows, here 60" in told


@pytest.mark.parametrize(
    ("key", "content", "told"),
    [("wrong", "a,b\n1,2\n", "a key is needed"), (KEY, "", "the file is empty"), (KEY, "a,a\n1,2\n", "same name")],
)
def test_what_goes_wrong_is_told(browser: Chrome, page: str, tmp_path: Path, key: str, content: str, told: str) -> None:
    table = tmp_path / "table.csv"
    table.write_text(content)
    browser.get(page)
    _by_id(browser, "file").send_keys(str(table))
    _by_id(browser, "key").send_keys(key)
    _by_id(browser, "profile-button").click()
    WebDriverWait(browser, 30).until(lambda b: _by_id(b, "problem").text)
    assert told in _by_id(browser, "problem").text
    assert not _by_id(browser, "plan-button").is_displayed()


def _to_plan(browser: Chrome, page: str, table: Path) -> None:
    _to_profile(browser, page, table)
    _by_id(browser, "plan-button").click()
    _wait_for(browser, "step-plan")


def _to_profile(browser: Chrome, page: str, table: Path) -> None:
    browser.get(page)
    _by_id(browser, "file").send_keys(str(table))
    _by_id(browser, "key").send_keys(KEY)
    _by_id(browser, "profile-button").click()
    _wait_for(browser, "step-profile")


def _by_id(browser: Chrome, name: str) -> WebElement:
    return browser.find_element(By.ID, name)


def _kind(browser: Chrome, column: str) -> Select:
    return Select(browser.find_element(By.CSS_SELECTOR, f'select[data-column="{column}"]'))


def _wait_for(browser: Chrome, name: str) -> None:
    WebDriverWait(browser, 60).until(lambda b: b.find_elements(By.ID, name) or _by_id(b, "problem").text)
    assert _by_id(browser, "problem").text == ""
    WebDriverWait(browser, 10).until(lambda b: _by_id(b, "profile-button").is_enabled())


def _tab_to(browser: Chrome, name: str) -> WebElement:
    for _ in range(80):
        active = browser.switch_to.active_element
        if active.get_attribute("id") == name:
            return active
        ActionChains(browser).send_keys(Keys.TAB).perform()
    raise AssertionError(f"{name} cannot be reached by keyboard")


def _downloaded(path: Path) -> str:
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return path.read_text(encoding="utf-8")


def _assert_calm(browser: Chrome, page: str) -> None:
    """No error in the console, no request to anywhere else."""
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert asked
    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {urlsplit(page).netloc}


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
