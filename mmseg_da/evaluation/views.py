# SPDX-License-Identifier: Apache-2.0
"""Which classes and class subsets a metric reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmseg_da.datasets.class_views import CLASS_VIEWS, SUBSETS


def view_of(meta: Mapping | None, expected: str | None) -> str | None:
    """Name of the class view of a data set, checked against the expected one.

    A data set that names no view (mmseg's own ones) has the view with
    exactly its classes, if there is one.

    Args:
        meta: ``dataset_meta`` of a metric.
        expected: View the metric was configured for, or None for any.

    Returns:
        The name, or None when nothing tells it.

    Raises:
        ValueError: Both sides name a view and they differ.
    """
    meta = meta or {}
    found = meta.get('class_view') or _view_with(meta.get('classes', ()))
    if expected and found and expected != found:
        raise ValueError(
            f'class_view={expected!r} of the metric, but the evaluated data '
            f'set has class_view={found!r}. Set both to the same view (or '
            'leave it out of the metric).'
        )
    return expected or found


def _view_with(classes: Sequence[str]) -> str | None:
    for name, view in CLASS_VIEWS.items():
        if view.classes == tuple(classes):
            return name
    return None


def classes_of(meta: Mapping | None) -> tuple[str, ...]:
    """Class names of a data set.

    Raises:
        ValueError: The data set says nothing about its classes.
    """
    classes = (meta or {}).get('classes')
    if not classes:
        raise ValueError(
            'the evaluated data set has no classes in its metainfo; use a '
            'data set of mmseg_da or mmseg, or set metainfo=dict(classes=...).'
        )
    return tuple(classes)


def subset_indices(
    subsets: Mapping[str, Sequence[str]] | None,
    classes: Sequence[str],
    view: str | None,
) -> dict[str, list[int]]:
    """Train ids of every class subset.

    Args:
        subsets: Subset name to class names; None takes those of the view.
        classes: Class names of the data, position = train id.
        view: Name of the class view, or None.

    Returns:
        Subset name to train ids, e.g. ``{'16': [0, 1, ...]}``.

    Raises:
        ValueError: A subset is empty or names an unknown class.
    """
    if subsets is None:
        subsets = SUBSETS.get(view, {})
    positions = {name: index for index, name in enumerate(classes)}
    result = {}
    for subset, names in subsets.items():
        unknown = [name for name in names if name not in positions]
        if unknown or not names:
            problem = f'unknown classes {unknown}' if unknown else 'no class'
            raise ValueError(
                f'subsets[{subset!r}] has {problem}; allowed are '
                f'{list(classes)}.'
            )
        result[str(subset)] = [positions[name] for name in names]
    return result
