# SPDX-License-Identifier: Apache-2.0
"""Files that belong to an image: labels, depth, disparity, camera."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .file_listing import describe_content
from .zip_files import is_folder

__all__ = ['attach_files', 'find_folder']


def find_folder(
    data_root: str | None, what: str, candidates: Mapping[str, str], title: str
) -> tuple[str, str]:
    """Find which of the known folders of a package exists.

    Args:
        data_root: Root folder of the dataset.
        what: What is looked for, e.g. 'disparity'; for the message.
        candidates: Name of a layout -> folder below the root.
        title: Name of the dataset, for the message.

    Returns:
        Name of the layout and path of the folder.

    Raises:
        FileNotFoundError: None of them exists.
    """
    for name, folder in candidates.items():
        path = os.path.join(data_root or '', folder)
        if is_folder(path):
            return name, path
    raise FileNotFoundError(
        f'{title}: no {what} folder below data_root={data_root!r}; looked '
        f'for {list(candidates.values())}. Unpack the {what} archive there, '
        f'or leave {what} out of the dataset and its pipeline.'
    )


def attach_files(
    samples: Sequence[dict],
    stems: Sequence[str],
    available: Sequence[str],
    key: str,
    folder: str,
    suffix: str,
    title: str,
    mend: str,
) -> None:
    """Give every sample the path of its companion file.

    Args:
        samples: Samples, changed in place.
        stems: Path of each sample's file below ``folder``, without suffix.
        available: What :func:`list_stems` finds there.
        key: Entry of the sample to set, e.g. 'seg_map_path'.
        folder: Existing folder.
        suffix: End of the names.
        title: Name of the dataset, for messages.
        mend: Last sentence of the message.

    Raises:
        FileNotFoundError: Files are missing; the first three are named.
    """
    known = set(available)
    missing = [stem + suffix for stem in stems if stem not in known]
    if missing:
        what = key.removesuffix('_path')
        what = 'label' if what == 'seg_map' else what
        raise FileNotFoundError(
            f'{title}: {len(missing)} of {len(samples)} images have no '
            f'{what} file in {folder} ({describe_content(folder)}), e.g. '
            f'{missing[:3]}. {mend}'
        )
    for sample, stem in zip(samples, stems, strict=True):
        sample[key] = os.path.join(folder, stem + suffix)
