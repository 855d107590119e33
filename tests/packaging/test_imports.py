"""Imports within functions are not tried by importing a module: each leads to a module that has the name."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-dir"]
FILES = sorted(path for folder in FOLDERS.values() for path in (ROOT / folder).rglob("*.py"))


def _home(path: Path) -> list[str]:
    """The package that a file's relative imports start from, as a path from the root."""
    return list(path.relative_to(ROOT).parent.parts)


def _names(path: Path) -> set[str]:
    """What a module has at its top, behind conditions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return names


def _broken(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        home = _home(path)
        base = home[: len(home) - node.level + 1]
        # Above the folders is the package itself, which lies in `package`.
        target = ROOT.joinpath(*base, *(node.module.split(".") if node.module else []))
        if target == ROOT:
            target = ROOT / "package"
        module = target.with_suffix(".py") if target.with_suffix(".py").is_file() else target / "__init__.py"
        if not module.is_file():
            yield f"{node.lineno}: {node.module}"
            continue
        known = _names(module)
        for alias in node.names:
            part = target / alias.name
            if alias.name not in known and not part.is_dir() and not part.with_suffix(".py").is_file():
                yield f"{node.lineno}: {node.module}.{alias.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_import_leads_somewhere(path: Path) -> None:
    if _home(path)[:1] == ["package"]:
        # It is the package itself: its folders lie beside it.
        return
    assert list(_broken(path)) == []
