# SPDX-License-Identifier: Apache-2.0
"""Which images of a set are used: published lists, seeded parts, own files.

``indices`` of every dataset takes one of these texts::

    cityscapes_1_8.json            a list of the package (label_subsets/)
    lists/mine.txt                 an own file, as it stands or below data_root
    cityscapes_sde_ds_us_42.json:372   the first 372 of a ranked list
    fraction:1/8:seed42            ceil(n / 8) images, seeded
    fraction:10%:sorted            the first ceil(n / 10) of the sorted list
    fraction:10%:interleaved       every 10th image of the sorted list
    last:500                       the last 500 of the sorted list
    rest:<any of the above>        all the others
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from .subset_files import check_positions, read_subset

__all__ = [
    'SUBSET_FOLDER',
    'carry_over',
    'fraction_positions',
    'package_subsets',
    'resolve_indices',
    'select_positions',
]

SUBSET_FOLDER = Path(__file__).parent / 'label_subsets'
DEFAULT_SEED = 42


def package_subsets() -> list[str]:
    """Names of the lists that come with the package."""
    found = SUBSET_FOLDER.iterdir()
    return sorted(x.name for x in found if x.suffix in ('.json', '.txt'))


def fraction_positions(
    fraction: Fraction, total: int, order: str = f'seed{DEFAULT_SEED}'
) -> list[int]:
    """Choose ``ceil(fraction * total)`` of ``total`` images.

    With one seed the smaller part always lies inside the larger one.

    Args:
        fraction: Share in (0, 1].
        total: Number of images.
        order: 'seed<n>': the head of NumPy's legacy
            ``RandomState(n).permutation(total)``, whose stream is frozen;
            'sorted': the first images; 'interleaved': evenly spaced ones.

    Returns:
        Sorted positions.

    Raises:
        ValueError: Fraction outside (0, 1], unknown order or no image.
    """
    if not 0 < fraction <= 1:
        raise ValueError(
            f'fraction {fraction} is outside (0, 1]; write for example '
            'fraction:1/8 or fraction:10%'
        )
    if total < 1:
        raise ValueError(f'fraction {fraction} of {total} images is empty')
    count = math.ceil(fraction * total)
    if order == 'sorted':
        return list(range(count))
    if order == 'interleaved':
        return [i * total // count for i in range(count)]
    seed = order.removeprefix('seed')
    if not order.startswith('seed') or not seed.isdigit():
        raise ValueError(
            f"order {order!r} of a fraction is unknown; allowed: 'seed<n>' "
            "(e.g. 'seed42'), 'sorted', 'interleaved'"
        )
    drawn = np.random.RandomState(int(seed)).permutation(total)[:count]
    return sorted(drawn.tolist())


def find_subset_file(name: str, data_root: str | None) -> str:
    """Path of a list: a bare name of the package first, then own files.

    Raises:
        FileNotFoundError: Neither is there; names the nearest lists.
    """
    if os.path.basename(name) == name and name in package_subsets():
        return str(SUBSET_FOLDER / name)
    below_root = os.path.join(data_root or '', name)
    for path in (name, below_root):
        if os.path.isfile(path):
            return path
    near = get_close_matches(name, package_subsets(), n=3, cutoff=0.3)
    raise FileNotFoundError(
        f'list file {below_root} does not exist, and indices={name!r} is '
        f'none of the {len(package_subsets())} lists of the package'
        + (f' (nearest: {", ".join(near)})' if near else '')
        + '. Own parts: fraction:1/8:seed42, last:500, rest:<list>.'
    )


def select_positions(
    spec: str, stems: list[str], suffix: str, data_root: str | None = None
) -> list[int]:
    """Positions that a text such as ``'fraction:1/8:seed42'`` stands for.

    Args:
        spec: See the module's docstring.
        stems: Sorted stems of the images.
        suffix: Image suffix, may follow the names of a list.
        data_root: Root folder of the dataset, for own files.

    Raises:
        FileNotFoundError: The list file is missing.
        ValueError: A text that cannot be read, or an empty choice.
    """
    total = len(stems)
    kind, _, value = spec.partition(':')
    if kind == 'rest':
        chosen = set(select_positions(value, stems, suffix, data_root))
        rest = [i for i in range(total) if i not in chosen]
        if not rest:
            raise ValueError(f'{spec!r}: {value!r} leaves no image over')
        return rest
    if kind == 'fraction':
        part, _, order = value.partition(':')
        order = order or f'seed{DEFAULT_SEED}'
        return fraction_positions(_parse_fraction(part), total, order)
    if kind == 'last':
        if not value.isdigit() or not 0 < int(value) <= total:
            raise ValueError(
                f'indices={spec!r}: write last:<n> with n in 1..{total}, the '
                'number of images'
            )
        return list(range(total - int(value), total))
    name, _, number = spec.rpartition(':')
    count = int(number) if name and number.isdigit() else None
    path = find_subset_file(spec if count is None else name, data_root)
    return read_subset(path, stems, suffix, count)


def _parse_fraction(text: str) -> Fraction:
    try:
        if text.endswith('%'):
            return Fraction(text[:-1]) / 100
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f'fraction {text!r} cannot be read; write 1/8, 0.125 or 12.5%'
        ) from None


def resolve_indices(
    indices: int | Sequence[int] | str | None,
    stems: list[str],
    suffix: str,
    data_root: str | None,
    title: str,
) -> int | list[int] | None:
    """Turn a dataset's ``indices`` argument into what mmengine understands.

    Args:
        indices: First n, positions, a text (see the module's docstring), or
            None for everything.
        stems: Sorted stems of the images.
        suffix: Image suffix.
        data_root: Root folder of the dataset.
        title: Name of the dataset, for messages.

    Raises:
        FileNotFoundError: The subset file is missing.
        ValueError: Nothing is selected, a value is of the wrong type, or
            see :func:`select_positions`.
    """
    if not stems:
        raise ValueError(
            f'{title}: no image is left; skip_files or the choice of frames '
            'takes all of them. Shorten skip_files.'
        )
    if isinstance(indices, str):
        return select_positions(indices, stems, suffix, data_root)
    _check_type(indices, len(stems), title)
    if isinstance(indices, int) and indices > len(stems):
        print_log(
            f'{title}: indices={indices} asks for more than the {len(stems)} '
            'images there are; all are used.',
            'current',
            level=logging.WARNING,
        )
    if indices is None or isinstance(indices, int):
        return indices
    check_positions(list(indices), len(stems), f'{title}, indices')
    return list(indices)


def carry_over(
    indices: int | list[int] | None,
    stems: list[str],
    usable: list[str],
    title: str,
) -> int | list[int] | None:
    """Positions of the same images in a list that lacks some.

    Args:
        indices: From :func:`resolve_indices`, for ``stems``.
        stems: Stems of all images.
        usable: Those that can be loaded, in the same order.
        title: Name of the dataset, for messages.

    Returns:
        What mmengine understands, for ``usable``.

    Raises:
        ValueError: None of the chosen images is left.
    """
    if indices is None or len(usable) == len(stems):
        return indices
    if isinstance(indices, int):
        indices = range(min(indices, len(stems)))
    chosen = {stems[i] for i in indices}
    kept = [i for i, stem in enumerate(usable) if stem in chosen]
    lost = len(chosen) - len(kept)
    if not kept:
        raise ValueError(
            f'{title}: none of the {lost} chosen images can be loaded, e.g. '
            f'{min(chosen)!r}: the frames around it are missing. Choose '
            'others with indices, or unpack the sequence archives.'
        )
    if lost:
        print_log(
            f'{title}: {lost} of the {len(chosen)} chosen images are among '
            'those left out.',
            'current',
            level=logging.WARNING,
        )
    return kept


def _check_type(indices: object, count: int, title: str) -> None:
    """Raise unless ``indices`` selects something in a way mmengine knows."""
    whole = isinstance(indices, int) and not isinstance(indices, bool)
    listed = isinstance(indices, Sequence) and all(
        isinstance(i, int) for i in indices
    )
    if indices is None or (whole and indices > 0) or (listed and len(indices)):
        return
    raise ValueError(
        f'{title}: indices={indices!r} selects nothing of {count} images or '
        'is no number. Give a count > 0, a list of positions, a subset file, '
        "or a text like 'fraction:1/2' or 'last:2'."
    )
