# SPDX-License-Identifier: Apache-2.0
"""Target images with pseudo labels, and the halves of a ranking."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mmseg_da.engine.artifacts import ArtifactStore

from .base_dataset import RawSegDataset
from .companion_files import attach_files
from .file_listing import list_stems, match_stems, read_stem_list
from .pseudo_label_files import (
    EASY_LIST,
    HARD_LIST,
    LABEL_FOLDER,
    SCORES_FILE,
    check_flat_names,
    image_name,
    read_ranking,
)

__all__ = ['PseudoLabeledDataset']

PARTS = ('easy', 'hard', 'all')
KINDS = ('entropy_ranking', 'pseudo_labels')


@DATASETS.register_module()
class PseudoLabeledDataset(BaseDataset):
    """Images of an unlabelled set that a ranking or pseudo labels name.

    Works with every dataset of this package (Cityscapes, Mapillary, own
    data). Its labels are never looked for, the folder may be absent. Samples
    are those of the set, in ascending order of score; in the parts 'easy' and
    'all' with ``pseudo_label_path`` and ``num_classes``, for
    :class:`LoadPseudoLabels`. The part 'hard' has no labels.

    Either an artefact (``root`` and ``key``, made by
    ``tools/make_artifact.py entropy_ranking``), or files in the format of
    IntraDA's code (``image_list`` and, except for 'hard', ``label_dir``).

    Args:
        dataset: The set of images or its config, unlabelled. A pipeline of
            its own is not used.
        part: 'easy', 'hard' or 'all' (every image that has a pseudo label).
            A 'pseudo_labels' artefact has 'all' only.
        root: Folder of the artefact store.
        key: Name of the artefact.
        kind: Kind of the artefact.
        easy_ratio: Cut the ranking anew at this share, from its scores (the
            paper's lambda study). Defaults to None, the artefact's lists.
        image_list: List file, instead of an artefact.
        label_dir: Flat folder of pseudo labels, instead of an artefact.
        pipeline: Transforms.
        lazy_init: Do not list the files yet.

    Raises:
        FileNotFoundError: The artefact, a list or a pseudo label is missing.
        ValueError: Arguments that do not go together; a labelled set; an
            artefact of another class view; a list that is empty, names an
            image twice or one that is not in the set; two images of the same
            file name.
    """

    def __init__(
        self,
        dataset: RawSegDataset | dict,
        part: str,
        root: str | None = None,
        key: str | None = None,
        kind: str = 'entropy_ranking',
        easy_ratio: float | None = None,
        image_list: str | None = None,
        label_dir: str | None = None,
        pipeline: Sequence[dict | Callable] = (),
        lazy_init: bool = False,
    ) -> None:
        self.part = part
        self.root, self.key, self.kind = root, key, kind
        self.easy_ratio = easy_ratio
        self.image_list, self.label_dir = image_list, label_dir
        self._check_arguments()
        # Not `dataset`: the fingerprint of the data looks through wrappers.
        self.images = _unlabeled(dataset)
        self._positions: list[int] = []
        super().__init__(pipeline=list(pipeline), lazy_init=lazy_init)
        self.data_root = self.images.data_root

    @property
    def metainfo(self) -> dict:
        """Meta information of the images' set."""
        return self.images.metainfo

    def load_data_list(self) -> list[dict]:
        """List the part; samples themselves come from the images' set.

        Returns:
            Per image what this dataset adds to its sample.
        """
        self.images.full_init()
        suffix = self.images.img_suffix
        stems = self._stems()
        entries, where, labels = self._listing()
        wanted = [entry.removesuffix(suffix) for entry in entries]
        self._positions = match_stems(wanted, stems, where)
        check_flat_names(stems[i] + suffix for i in self._positions)
        added: list[dict] = [{} for _ in self._positions]
        if labels is not None:
            self._attach(added, labels)
        print_log(
            f'{self._title()}: {len(added)} of {len(stems)} images', 'current'
        )
        return added

    def get_data_info(self, idx: int) -> dict:
        """Sample of the images' set with its pseudo label, if any."""
        added = super().get_data_info(idx)
        info = self.images.get_data_info(self._positions[idx])
        return {**info, **added}

    def _stems(self) -> list[str]:
        every = range(len(self.images))
        return [self.images.get_data_info(i)['sample_stem'] for i in every]

    def _attach(self, added: list[dict], folder: str) -> None:
        """Give every image the path of its pseudo label."""
        if not os.path.isdir(folder):
            raise FileNotFoundError(
                f'{self._title()}: folder {folder} of pseudo labels does not '
                'exist; correct label_dir'
            )
        paths = (self.images.get_data_info(i) for i in self._positions)
        names = [image_name(info['img_path']) for info in paths]
        mend = 'Rank or predict again with this list and this set of images.'
        key = 'pseudo_label_path'
        found = list_stems(folder, '.png')
        attach_files(
            added, names, found, key, folder, '.png', self._title(), mend
        )
        classes = len(self.metainfo['classes'])
        for sample in added:
            sample['num_classes'] = classes

    def _listing(self) -> tuple[list[str], str, str | None]:
        """Entries, where they come from, and the folder of labels."""
        if self.key is None:
            labels = self.label_dir if self.part != 'hard' else None
            return self._read(self.image_list), self.image_list, labels
        store = ArtifactStore(self.root)
        view = self.metainfo['class_view']
        artifact = store.open(self.kind, self.key, {'class_view': view})
        folder = str(artifact.path)
        labels = os.path.join(folder, LABEL_FOLDER)
        if self.kind == 'pseudo_labels':
            suffix = self.images.img_suffix
            entries = [stem + suffix for stem in self._stems()]
            known = {image_name(entry): entry for entry in entries}
            found = list_stems(labels, '.png')
            return [known.get(name, name) for name in found], labels, labels
        entries = self._entries_of_ranking(folder)
        return entries, folder, None if self.part == 'hard' else labels

    def _entries_of_ranking(self, folder: str) -> list[str]:
        if self.part == 'all' or self.easy_ratio is not None:
            ranking = read_ranking(os.path.join(folder, SCORES_FILE))
            if self.part == 'all':
                return ranking
            cut = self._cut(len(ranking))
            return ranking[:cut] if self.part == 'easy' else ranking[cut:]
        name = EASY_LIST if self.part == 'easy' else HARD_LIST
        return self._read(os.path.join(folder, name))

    def _cut(self, count: int) -> int:
        cut = int(count * self.easy_ratio)
        if not 0 < cut < count:
            raise ValueError(
                f'{self._title()}: easy_ratio={self.easy_ratio} of {count} '
                f'images gives {cut} easy and {count - cut} hard ones; '
                "choose another ratio, or part='all' to train on all images"
            )
        return cut

    def _read(self, path: str) -> list[str]:
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f'{self._title()}: list file {path} does not exist. Rank the '
                'images first (tools/make_artifact.py entropy_ranking), or '
                'correct image_list.'
            )
        return read_stem_list(path, self.images.img_suffix)

    def _check_arguments(self) -> None:
        for name, value, allowed in (
            ('part', self.part, PARTS),
            ('kind', self.kind, KINDS),
        ):
            if value not in allowed:
                raise ValueError(
                    f'PseudoLabeledDataset: {name}={value!r}; allowed: '
                    f'{", ".join(allowed)}'
                )
        if self.key is None:
            self._check_files()
        elif self.root is None or self.image_list or self.label_dir:
            raise ValueError(
                f'PseudoLabeledDataset: key={self.key!r} goes with root and '
                'with neither image_list nor label_dir'
            )
        if self.kind == 'pseudo_labels' and (
            self.part != 'all' or self.easy_ratio is not None
        ):
            raise ValueError(
                f'PseudoLabeledDataset: part={self.part!r}, easy_ratio='
                f"{self.easy_ratio}: kind='pseudo_labels' has no ranking; use "
                "part='all' without easy_ratio"
            )

    def _check_files(self) -> None:
        needs = ['image_list'] + ['label_dir'] * (self.part != 'hard')
        missing = [name for name in needs if getattr(self, name) is None]
        if missing or self.easy_ratio is not None:
            raise ValueError(
                'PseudoLabeledDataset: give root and key of an artefact, or '
                f'{" and ".join(needs)} (without easy_ratio) for '
                f'part={self.part!r}'
            )

    def _title(self) -> str:
        name = self.metainfo.get('dataset_name')
        return f'PseudoLabeledDataset ({name}, {self.part})'


def _unlabeled(dataset: RawSegDataset | dict) -> Any:
    """Build the set of images without its labels."""
    if isinstance(dataset, Mapping):
        dataset = DATASETS.build({'labeled': False, **dataset, 'pipeline': []})
    if not isinstance(dataset, RawSegDataset):
        raise ValueError(
            f'PseudoLabeledDataset: dataset is {type(dataset).__name__}, '
            'expected one of this package (CityscapesRawDataset, '
            'CustomRawDataset, ...)'
        )
    if dataset.labeled:
        raise ValueError(
            f'PseudoLabeledDataset: {type(dataset).__name__} has '
            'labeled=True; true labels of the target are never read here, '
            'remove it'
        )
    return dataset
