# SPDX-License-Identifier: Apache-2.0
"""JSON objects that are read into frozen dataclasses, every field checked."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar('T')


def parse(kind: type[T], content: Any, where: str = '') -> T:
    """Build a dataclass from JSON values after checking all of them.

    Annotations may use ``str``, ``int``, ``float``, ``bool``, ``X | None``,
    ``tuple[X, ...]``, ``dict[str, X]`` and other dataclasses. A whole number
    is a float too; a boolean is no number.

    Args:
        kind: The dataclass.
        content: Values as :func:`json.loads` gives them.
        where: Dotted name of the value, put before the fields' names.

    Raises:
        ValueError: A field is missing, unknown or of another type; names the
            field, its value and what was expected.
    """
    if not isinstance(content, Mapping):
        raise ValueError(_wrong(where or 'the file', content, 'an object'))
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind)}
    prefix = f'{where}.' if where else ''
    for name in sorted(fields - content.keys()):
        raise ValueError(f'field {prefix + name!r} is missing')
    for name in sorted(content.keys() - fields):
        raise ValueError(
            f'field {prefix + str(name)!r} is unknown; the fields here are '
            f'{sorted(fields)}'
        )
    values = {
        name: _value(hints[name], content[name], prefix + name)
        for name in sorted(fields)
    }
    return kind(**values)


def to_json(value: Any) -> Any:
    """Turn a dataclass into dicts and lists for :func:`json.dumps`."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: to_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def _value(hint: Any, value: Any, where: str) -> Any:
    """Check one value against its annotation."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _value_of_any(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return parse(hint, value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(_wrong(where, value, 'a list'))
        return tuple(
            _value(arguments[0], item, f'{where}[{index}]')
            for index, item in enumerate(value)
        )
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ValueError(_wrong(where, value, 'an object'))
        return {
            str(key): _value(arguments[1], item, f'{where}.{key}')
            for key, item in value.items()
        }
    return _plain(hint, value, where)


def _value_of_any(kinds: tuple, value: Any, where: str) -> Any:
    """Check a value against a union; the first kind that fits wins."""
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    for kind in kinds:
        try:
            return _value(kind, value, where)
        except ValueError:
            if len(kinds) == 1:
                raise
    names = ' or '.join(kind.__name__ for kind in kinds)
    raise ValueError(_wrong(where, value, names))


def _plain(kind: type, value: Any, where: str) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and is_number:
        return float(value)
    if kind in (str, bool) and isinstance(value, kind):
        return value
    if kind is int and is_number and isinstance(value, int):
        return value
    raise ValueError(_wrong(where, value, kind.__name__))


def _wrong(where: str, value: Any, expected: str) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + '...'
    return f'field {where!r} is {shown}, expected {expected}'
