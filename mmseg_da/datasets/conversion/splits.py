# SPDX-License-Identifier: Apache-2.0
"""Split lists: which images, one name per line."""

from __future__ import annotations

from pathlib import Path

from mmseg_da.utils.files import atomic_write

from ..base_dataset import RawSegDataset
from ..file_listing import match_stems, read_stem_list
from ..subsets import select_positions

__all__ = ['write_split_lists']


def write_split_lists(
    dataset: RawSegDataset,
    spec: str,
    out: str | Path,
    rest: str | Path | None = None,
) -> tuple[int, int]:
    """Write the names that a subset text stands for, and read them back.

    Args:
        dataset: The whole dataset (no ``indices``).
        spec: See :mod:`mmseg_da.datasets.subsets`, e.g. 'last:500'.
        out: List of the chosen images, in the order of the choice.
        rest: List of the others.

    Returns:
        Number of chosen and of other images.

    Raises:
        FileNotFoundError: A list the text names is missing.
        ValueError: A text that cannot be read, or a file that does not hold
            what was written.
    """
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    stems = [sample['sample_stem'] for sample in samples]
    suffix = dataset.img_suffix
    chosen = select_positions(spec, stems, suffix, dataset.data_root)
    kept = set(chosen)
    others = [i for i in range(len(stems)) if i not in kept]
    head = (
        f'# {dataset.dataset_name} {dataset.split or ""}, {len(stems)} images'
    )
    _write(Path(out), f'{head}: {spec}', stems, chosen, suffix)
    if rest is not None:
        if not others:
            raise ValueError(f'{spec!r} leaves no image over for {rest}')
        _write(Path(rest), f'{head}: rest:{spec}', stems, others, suffix)
    return len(chosen), len(others)


def _write(
    path: Path, head: str, stems: list[str], positions: list[int], suffix: str
) -> None:
    names = [stems[i] for i in positions]
    with atomic_write(path) as temporary:
        text = '\n'.join([head, *names]) + '\n'
        temporary.write_text(text, encoding='utf-8')
    found = match_stems(read_stem_list(str(path), suffix), stems, str(path))
    if found != positions:
        raise ValueError(
            f'{path}: reads back as other images than were written; do names '
            'hold white space or start with "#"?'
        )
