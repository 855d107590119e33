"""The pages: complete, escaped, self-contained."""

import re
from html.parser import HTMLParser

import pytest
from clinical_model_selector.app.render.pages import profile_page, result_page
from clinical_model_selector.app.render.result_html import render_result_html
from clinical_model_selector.app.render.words import describe_cost, name_aliases

from .samples import HOSTILE, sample_profile, sample_result


class _Page(HTMLParser):
    """Collects text, start tags, and the addresses that a browser would load."""

    VOID = frozenset({"meta", "br", "line", "rect"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


PAGES = {
    "result": lambda: result_page(sample_result()),
    "fragment": lambda: sample_result()._repr_html_(),
    "profile": lambda: profile_page(sample_profile(), f"c1 {HOSTILE}", 285),
}


@pytest.mark.parametrize("page", PAGES)
def test_page_is_well_formed_self_contained_and_escaped(page: str) -> None:
    source = PAGES[page]()
    parsed = _Page(source)
    assert parsed.open == []
    assert parsed.addresses == []
    assert "url(" not in source
    assert "@import" not in source
    # Ours moves the content into its shadow root; a name that holds a script adds none.
    assert parsed.tags.count("script") == (0 if page == "profile" else 1)
    assert '<script>alert("x")</script>[red]{{ 7 * 7 }}' in parsed.words


def test_result_page_shows_all_parts() -> None:
    words = " ".join(_Page(result_page(sample_result())).words.split())
    for part in (
        "tvae", "epochs=700", "gaussian_copula", "marginal=empirical", "cart", "min_samples_leaf=7",
        "no differential privacy", "1.5 times the real rows, at most 4,321", "Answered by embedded", "0.22 s",
        "openrouter", "anthropic/claude-3.5-sonnet", "authentication (401)", "No auth credentials found",
        "cost unknown",
        "answered by embedded: openrouter refused the key", "direct identifiers go", "45 CFR 164.514",
    ):  # fmt: skip
        assert part in words


def test_result_follows_the_theme() -> None:
    source = render_result_html(sample_result())
    for hook in ("prefers-color-scheme: dark", 'data-jp-theme-light="false"', 'data-vscode-theme-kind="vscode-dark"'):
        assert hook in source
    assert "attachShadow" in source


def test_two_results_on_one_page_do_not_share_an_id() -> None:
    ids = [re.findall(r'id="([^"]+)"', render_result_html(sample_result())) for _ in range(2)]
    assert ids[0] != ids[1]
    assert [len(found) for found in ids] == [1, 1]


def test_profile_page_draws_the_safe_profile_alone() -> None:
    source = profile_page(sample_profile(), "the prompt", 285)
    words = " ".join(_Page(source).words.split())
    assert source.count("<svg") == 3
    for part in (
        "686 rows", "about 640 patients", "sent as c2", "31 53 71", "female 70 %", "male 30 %", "over 3 years",
        "direct identifier", "not shown", "the prompt", "285 tokens", "one row in ten is a duplicate",
    ):  # fmt: skip
        assert part in words
    drawn = [float(x) for x in re.findall(r' x="([-0-9.]+)"', source)]
    assert all(0 <= x <= 180 for x in drawn)


@pytest.mark.parametrize(
    ("provider", "cost", "words"),
    [
        ("openrouter", None, "cost unknown"),
        ("openrouter", 0.0, "0 USD"),
        ("openrouter", 0.00123, "0.00123 USD"),
        ("openrouter", 12.5, "12.5 USD"),
        ("ollama", None, "no charge"),
        ("embedded", None, "no charge"),
    ],
)
def test_unknown_cost_is_not_called_free(provider: str, cost: float | None, words: str) -> None:
    assert describe_cost(provider, cost) == words


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("c1, c12 give it away", "age, sex give it away"),
        ("c2 and xc1 and c11", "c2 and xc1 and c11"),
        ("", ""),
    ],
)
def test_aliases_are_named_on_the_owners_screen(text: str, named: str) -> None:
    assert name_aliases(text, {"c1": "age", "c12": "sex"}) == named
