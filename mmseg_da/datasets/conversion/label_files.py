# SPDX-License-Identifier: Apache-2.0
"""Label files to be counted: those of a dataset, or PNGs of a folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..base_dataset import RawSegDataset
from ..class_views import ClassView
from ..digest import content_stamp
from ..file_listing import describe_content, list_stems
from ..label_decoding import LabelDecoder, train_id_decoder

__all__ = [
    'LabelFiles',
    'labels_in_folder',
    'labels_of_dataset',
    'sac_labels_in_folder',
]

_SAC_SUFFIX = '_gtFine_labelIds.png'


@dataclass(frozen=True)
class LabelFiles:
    """Label files to be counted.

    Attributes:
        names: Stem of every image.
        paths: Its label file.
        decoder: How the files are read.
        view: Class view of the counts.
        title: What they are called in messages.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    decoder: LabelDecoder = field(repr=False)
    view: ClassView = field(repr=False)
    title: str

    def fingerprint(self) -> dict[str, str]:
        """What the counts depend on."""
        return {
            'names': _digest('\n'.join(self.names)),
            'content': _digest('\n'.join(self.marks())),
            'labels': self.decoder.name,
            'class_view': self.view.name,
        }

    def marks(self) -> tuple[str, ...]:
        """16 hex digits per file: its size and the checksum of its pixels."""
        return tuple(_digest(content_stamp(x))[:16] for x in self.paths)

    @property
    def folder(self) -> str:
        """The folder that holds all files."""
        return os.path.commonpath([os.path.dirname(x) for x in self.paths])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def labels_of_dataset(dataset: RawSegDataset) -> LabelFiles:
    """Label files of a dataset, with its ``indices`` applied.

    Raises:
        ValueError: The dataset has no labels.
    """
    title = f'{type(dataset).__name__} ({dataset.dataset_name})'
    if not dataset.labeled:
        raise ValueError(
            f'{title}: has no labels to count (labeled=False). Count '
            'predictions instead: --labels FOLDER'
        )
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    return LabelFiles(
        tuple(x['sample_stem'] for x in samples),
        tuple(x['seg_map_path'] for x in samples),
        dataset.label_decoder,
        dataset.view,
        title,
    )


def labels_in_folder(
    folder: str | Path, view: ClassView, suffix: str = '.png'
) -> LabelFiles:
    """Train-id PNGs of a folder, for example predictions.

    Args:
        folder: Their folder, searched at any depth.
        view: Class view of the train ids.
        suffix: End of the names; what comes before it names the image.

    Raises:
        FileNotFoundError: No such files.
        ValueError: The suffix is that of raw ids, and the folder is not the
            ``train_ids`` of a test run.
    """
    if suffix.endswith('_labelIds.png') and not _is_predicted(folder):
        raise ValueError(
            f"--suffix {suffix}: files of this name hold Cityscapes' label "
            'ids, which would be counted as train ids. Give the files of '
            'PredictionWriter (--labels FOLDER/train_ids --suffix '
            '_leftImg8bit.png), those of SAC by --sac-labels, or raw labels '
            'by --dataset or --config.'
        )
    folder = str(folder)
    path = Path(folder)
    stems = list_stems(folder, suffix) if path.is_dir() else []
    if not stems:
        content = describe_content(folder) if path.is_dir() else 'no folder'
        raise FileNotFoundError(
            f'no files ending in {suffix!r} in {folder}: {content}. Give the '
            'folder of the predicted labels and --suffix.'
        )
    paths = tuple(str(path / (stem + suffix)) for stem in stems)
    decoder = train_id_decoder(view)
    return LabelFiles(tuple(stems), paths, decoder, view, folder)


def _is_predicted(folder: str | Path) -> bool:
    """Whether a test run wrote the folder, so that it has train ids."""
    path = Path(folder)
    marker = path.parent / 'predictions.json'
    return path.name == 'train_ids' and marker.is_file()


def sac_labels_in_folder(folder: str | Path, view: ClassView) -> LabelFiles:
    """Train-id PNGs ``*_gtFine_labelIds.png`` directly in a folder.

    The inference of SAC and its authors' ``compute_IS_weights.py`` use this
    name for train ids; ``cs/`` below the folder, which holds label ids under
    the same names, is not looked at.

    Raises:
        FileNotFoundError: No such files.
    """
    path = Path(folder)
    names = sorted(x.name for x in path.glob(f'*{_SAC_SUFFIX}'))
    if not names:
        content = describe_content(str(path)) if path.is_dir() else 'no folder'
        raise FileNotFoundError(
            f'no files *{_SAC_SUFFIX} in {folder}: {content}. Give the folder '
            'of the predictions in train ids.'
        )
    decoder = replace(
        train_id_decoder(view),
        mend=f'A class id above {view.num_classes - 1} is not a train ID; did '
        'you pass the cs/ folder? Its parent holds train IDs.',
    )
    stems = tuple(name.removesuffix(_SAC_SUFFIX) for name in names)
    paths = tuple(str(path / name) for name in names)
    return LabelFiles(stems, paths, decoder, view, str(folder))
