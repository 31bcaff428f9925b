# SPDX-License-Identifier: Apache-2.0
"""Which source files decide a result, and their fingerprints.

A hash over the whole package would re-run everything after any edit. Here the
files are those that a run can reach: from the tool and from every registered
class that its config names, along the imports. Comments, docstrings and
formatting do not count. ``__init__`` files are looked through, not counted:
they hold imports only.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import mmseg.registry
from mmengine.registry import Registry

PACKAGE = 'mmseg_da'
# Importing the package runs this module, whatever is used of it.
_ALWAYS = ('mmseg_da.compat',)


def hash_source(path: str | Path) -> str:
    """SHA-256 of a Python file without comments and docstrings.

    Raises:
        FileNotFoundError: There is no such file.
        SyntaxError: It is not Python.
    """
    path = Path(path)
    stamp = path.stat()
    return _hash_source(str(path), stamp.st_mtime_ns, stamp.st_size)


def hash_package() -> str:
    """SHA-256 over all sources of mmseg-da."""
    root = _root()
    digest = hashlib.sha256()
    for path in sorted(root.rglob('*.py')):
        name = path.relative_to(root).as_posix()
        digest.update(f'{name} {hash_source(path)}\n'.encode())
    return digest.hexdigest()


def code_hashes(
    tool: str | Path,
    names: Iterable[str],
    packages: Iterable[str] = (),
    modules: Iterable[str] = (),
) -> dict[str, str]:
    """Fingerprints of the files that a run reaches.

    Args:
        tool: Script that is run.
        names: Texts of the config; those that are names of registered
            classes count.
        packages: More packages whose files count (``custom_imports``).
        modules: Modules that the tool imports by name.

    Returns:
        Module name (the tool: its file name) to SHA-256, sorted.
    """
    own = {PACKAGE, *packages}
    registered = _registered(own)
    waiting = [*_ALWAYS, *modules, *_imports(Path(tool), '', own, registered)]
    waiting += [registered[name] for name in names if name in registered]
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        path = _file_of(module)
        if module in found or path is None or path.stem == '__init__':
            continue
        found[module] = path
        waiting += _imports(path, module, own, registered)
    hashes = {name: hash_source(path) for name, path in found.items()}
    hashes[Path(tool).name] = hash_source(tool)
    return dict(sorted(hashes.items()))


@lru_cache(maxsize=4096)
def _hash_source(path: str, mtime: int, size: int) -> str:
    del mtime, size  # only keys of the cache
    tree = ast.parse(Path(path).read_bytes(), path)
    for node in ast.walk(tree):
        body = getattr(node, 'body', None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and (
        isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _root() -> Path:
    return Path(__file__).resolve().parents[1]


def _file_of(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None or not str(spec.origin).endswith('.py'):
        return None
    return Path(spec.origin)


def _registered(own: set[str]) -> dict[str, str]:
    """Registered name -> module, of our own classes."""
    found = {}
    for registry in vars(mmseg.registry).values():
        if isinstance(registry, Registry):
            for name, part in registry.module_dict.items():
                module = getattr(part, '__module__', '')
                if module.partition('.')[0] in own:
                    found[name] = module
    return found


def _imports(
    path: Path, module: str, own: set[str], registered: dict[str, str]
) -> Iterator[str]:
    """Own modules that a file imports or names as a registered class."""
    stamp = path.stat()
    imported, texts = _references(
        str(path), module, stamp.st_mtime_ns, stamp.st_size
    )
    yield from (name for name in imported if name.partition('.')[0] in own)
    yield from (registered[name] for name in texts if name in registered)


@lru_cache(maxsize=4096)
def _references(
    path: str, module: str, mtime: int, size: int
) -> tuple[frozenset[str], frozenset[str]]:
    """Modules that a file imports, and its string constants."""
    del mtime, size  # only keys of the cache
    imported, texts = set(), set()
    for node in ast.walk(ast.parse(Path(path).read_bytes(), path)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base_of(node, module, Path(path).stem == '__init__')
            imported |= {_resolve(base, alias.name) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
    return frozenset(imported), frozenset(texts)


def _base_of(node: ast.ImportFrom, module: str, package: bool) -> str:
    """Absolute name of the module after ``from``."""
    if not node.level:
        return node.module or ''
    parts = module.split('.')
    up = node.level - 1 if package else node.level
    parts = parts[: len(parts) - up]
    return '.'.join([*parts, *([node.module] if node.module else [])])


def _resolve(base: str, name: str) -> str:
    """Module that really defines what ``from base import name`` gives."""
    submodule = f'{base}.{name}'
    if base.partition('.')[0] != PACKAGE:
        return base
    if _file_of(submodule) is not None:
        return submodule
    path = _file_of(base)
    if path is None or path.stem != '__init__':
        return base
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    inner = _base_of(node, base, package=True)
                    return _resolve(inner, alias.name)
    return base
