# SPDX-License-Identifier: Apache-2.0
"""Common base of the datasets that are read as downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from .cache_settings import CacheSettings
from .class_views import ClassView, get_class_view
from .companion_files import attach_files
from .file_listing import match_stems, read_stem_list
from .image_cache import ImageCache, open_cache
from .image_listing import list_images, list_labels
from .label_decoding import LabelDecoder, get_label_decoder
from .layouts import check_split, expected_tree
from .name_checks import check_image_names, check_label_names
from .subsets import carry_over, resolve_indices
from .zip_files import describe_archive, is_folder

__all__ = ['RawSegDataset']


class RawSegDataset(BaseSegDataset):
    """Images with label files in the encoding of the original download.

    Nothing has to be converted: the label files' ids are mapped to the train
    ids of a class view when they are loaded (:class:`LoadRawLabels`).
    A subclass is a table of facts: label table, suffixes, splits, layouts.

    Every sample carries ``img_path``, ``sample_stem`` (path below the image
    folder without suffix), ``dataset_name``, ``class_view``, ``label_table``,
    ``seg_fields``, ``reduce_zero_label`` and, if labelled, ``seg_map_path``
    and ``label_decoder``.

    Args:
        data_root: Root folder, prepended to relative paths; it and every
            folder may lie in a zip archive (:mod:`zip_files`).
        split: Key of ``SPLITS``, by default the first one; None where a
            dataset has none. Not together with ``data_prefix``.
        data_prefix: Folders ``img_path`` and ``seg_map_path``. Defaults to
            the first of the known ``LAYOUTS`` that exists; ``self.layout``
            and the log name it.
        ann_file: Optional list of images, one per line, with or without
            suffix. Defaults to every image of the folder, sorted.
        class_view: Key of :data:`CLASS_VIEWS`.
        label_format: 'raw' for the label files as downloaded, 'train_ids'
            for converted ones.
        labeled: False for an unlabelled set: label files are neither needed
            nor looked for. Defaults to True, for ``UNLABELED_SPLITS`` to
            False.
        indices: First n images, positions in the sorted list, or a text:
            the name of a list of the package, the path of an own file,
            ``'fraction:1/8:seed42'``, ... (:mod:`mmseg_da.datasets.subsets`).
        skip_files: Stems of faulty pairs to leave out.
        img_suffix: End of the image names.
        seg_map_suffix: End of the label names. Files of that end are no
            images where labels lie beside them.
        dataset_name: Tag in tables and errors.
        pipeline: Transforms.
        cache: Settings of decoded copies, see :class:`CacheSettings`.
        serialize_data, test_mode, lazy_init, max_refetch, backend_args: As in
            mmengine's ``BaseDataset``.

    Raises:
        FileNotFoundError: A folder, list or label file is missing.
        ValueError: Empty folder, wrong suffix, or a bad argument.
    """

    LABEL_TABLE = ''
    LABEL_ENCODING = 'index8'
    DATASET_NAME = ''
    IMG_SUFFIX = '.png'
    SEG_MAP_SUFFIX = '.png'
    # End of converted label files (label_format='train_ids').
    TRAIN_ID_SUFFIX = '.png'
    # Split -> its folder in the package: '{split}', '{folder}' of LAYOUTS.
    SPLITS: dict[str, str] = {}
    UNLABELED_SPLITS: tuple[str, ...] = ()
    # Folders below data_root; images and labels are found independently.
    LAYOUTS: dict[str, dict[str, str]] = {}
    # Images of the release that cannot be used; left out silently.
    FAULTY_STEMS: tuple[str, ...] = ()
    DEFAULT_VIEW = 'cityscapes19'

    def __init__(
        self,
        data_root: str | None = None,
        split: str | None = None,
        data_prefix: dict | None = None,
        ann_file: str = '',
        class_view: str | None = None,
        label_format: str = 'raw',
        labeled: bool | None = None,
        indices: int | Sequence[int] | str | None = None,
        skip_files: Sequence[str] = (),
        img_suffix: str | None = None,
        seg_map_suffix: str | None = None,
        dataset_name: str | None = None,
        pipeline: Sequence[dict | Callable] = (),
        serialize_data: bool = True,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        backend_args: dict | None = None,
        cache: dict | None = None,
    ) -> None:
        self.dataset_name = dataset_name or self.DATASET_NAME
        self.split = check_split(
            split, data_prefix, self.SPLITS, self._title()
        )
        if labeled is None:
            labeled = self.split not in self.UNLABELED_SPLITS
        self.labeled = labeled
        self.label_format = label_format
        self.skip_files = tuple(skip_files)
        self.cache_settings = CacheSettings.from_config(cache)
        self.cache: ImageCache | None = None
        self.view, self.label_decoder = self._build_decoder(class_view)
        by_format = (self.SEG_MAP_SUFFIX, self.TRAIN_ID_SUFFIX)
        default_suffix = by_format[label_format == 'train_ids']
        super().__init__(
            ann_file=ann_file,
            img_suffix=img_suffix or self.IMG_SUFFIX,
            seg_map_suffix=seg_map_suffix or default_suffix,
            metainfo=self.view.metainfo(),
            data_root=data_root,
            data_prefix=self._build_prefix(data_root, data_prefix),
            indices=indices,
            serialize_data=serialize_data,
            pipeline=list(pipeline),
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
            backend_args=backend_args,
        )
        # mmengine takes strings in `metainfo` for names of files to read.
        self._metainfo.update(
            class_view=self.view.name, dataset_name=self.dataset_name
        )

    def _build_decoder(
        self, class_view: str | None
    ) -> tuple[ClassView, LabelDecoder | None]:
        view = get_class_view(class_view or self.DEFAULT_VIEW)
        decoder = get_label_decoder(
            self.LABEL_TABLE, view.name, self.LABEL_ENCODING, self.label_format
        )
        return view, decoder

    def _build_prefix(
        self, data_root: str | None, data_prefix: dict | None
    ) -> dict[str, str]:
        """Given folders, else those of the first layout that exists."""
        self.layout = 'own folders'
        prefix = dict(data_prefix or {})
        if not data_prefix:
            self.layout, prefix['img_path'] = self._find_layout(
                data_root or '', 'img_path'
            )
        self.label_layout = self.layout
        if not self.labeled:
            prefix.pop('seg_map_path', None)
        elif not data_prefix:
            self.label_layout, prefix['seg_map_path'] = self._find_layout(
                data_root or '', 'seg_map_path'
            )
        self.given_prefix = prefix.copy() if data_prefix else {}
        return prefix

    def _find_layout(self, data_root: str, key: str) -> tuple[str, str]:
        folders = self._layout_folders(key)
        for name, folder in folders.items():
            if is_folder(os.path.join(data_root, folder)):
                return name, folder
        return next(iter(folders.items()))

    def _layout_folders(self, key: str) -> dict[str, str]:
        package_folder = self.SPLITS.get(self.split)
        return {
            name: layout[key].format(split=self.split, folder=package_folder)
            for name, layout in self.LAYOUTS.items()
            if key in layout
        }

    def load_data_list(self) -> list[dict]:
        """List the images and, if labelled, pair each with its label file.

        Returns:
            One dict per image, see the class docstring.
        """
        folder = self._folder('img_path')
        suffix = self.img_suffix
        stems = images = list_images(self)
        check_image_names(self, stems)
        if self.ann_file:
            wanted = read_stem_list(self.ann_file, suffix)
            listed = match_stems(wanted, stems, f'list {self.ann_file}')
            stems = [stems[i] for i in listed]
        stems = self._choose_usable(self._without_skipped(stems))
        samples = [self._sample(stem) for stem in stems]
        if self.labeled:
            self._attach_labels(samples, images)
        where = f'{len(stems)} images in {folder} ({self.layout})'
        if self.label_layout != self.layout:
            where += f', labels: {self.label_layout}'
        print_log(f'{self._title()}: {where}', 'current')
        return samples

    def full_init(self) -> None:
        """List the files and open the cache, if there is to be one."""
        super().full_init()
        if self.cache_settings and self.cache is None:
            self.cache = open_cache(self)

    def _sample(self, stem: str) -> dict:
        return {
            'img_path': self._img_path(stem),
            'sample_stem': stem,
            'dataset_name': self.dataset_name,
            'class_view': self.view.name,
            'label_table': self.LABEL_TABLE,
            'seg_fields': [],
            'reduce_zero_label': False,
        }

    def _img_path(self, stem: str) -> str:
        return os.path.join(
            self.data_prefix['img_path'], stem + self.img_suffix
        )

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx`` with its label decoder and cached copy, if any."""
        info = super().get_data_info(idx)
        if self.labeled:
            info['label_decoder'] = self.label_decoder
        if self.cache is not None:
            info['cached_sample'] = self.cache.sample(info['sample_stem'])
        return info

    def _attach_labels(
        self, samples: list[dict], images: Sequence[str]
    ) -> None:
        folder = self._folder('seg_map_path')
        suffix = self.seg_map_suffix
        found = list_labels(self)
        check_label_names(self, found, images)
        stems = [sample['sample_stem'] for sample in samples]
        mend = (
            'Unpack the label archive again, list the labelled images in '
            'ann_file, or set labeled=False.'
        )
        where = ('seg_map_path', folder, suffix, self._title())
        attach_files(samples, stems, found, *where, mend)

    def _without_skipped(self, stems: list[str]) -> list[str]:
        """Drop ``skip_files``; faults known to a dataset may be added."""
        suffix = self.img_suffix
        names = (*self.skip_files, *self.FAULTY_STEMS)
        skipped = {name.removesuffix(suffix) for name in names}
        return [stem for stem in stems if stem not in skipped]

    def _usable(self, stems: list[str]) -> list[str]:
        """Those that can be loaded; a subset never depends on it."""
        return stems

    def _choose_usable(self, stems: list[str]) -> list[str]:
        """Resolve ``indices``, then drop what cannot be loaded.

        In this order, so that a subset names the same images in data sets
        that read more or less of them (labelled frames without neighbours).
        """
        where = (self.img_suffix, self.data_root, self._title())
        indices = resolve_indices(self._indices, stems, *where)
        usable = self._usable(stems)
        self._indices = carry_over(indices, stems, usable, self._title())
        return usable

    def _folder(self, key: str) -> str:
        if key not in self.data_prefix:
            raise ValueError(
                f'{self._title()}: data_prefix has no {key!r}, only '
                f'{sorted(self.data_prefix)}. Add it, or set labeled=False '
                'for images without labels.'
            )
        folder = self.data_prefix[key]
        if not is_folder(folder):
            raise FileNotFoundError(
                f'{self._title()}: folder {folder} ({key}, '
                f'data_root={self.data_root!r}) does not exist.'
                f'{describe_archive(folder)}\n{self.expected_folders()}'
            )
        return folder

    def expected_folders(self) -> str:
        """The folders and names that are looked for, for messages."""
        folders = map(self._possible_folders, ('img_path', 'seg_map_path'))
        return expected_tree(*folders, self.img_suffix, self.seg_map_suffix)

    def _possible_folders(self, key: str) -> dict[str, str]:
        given = self.given_prefix.get(key)
        own = {} if given is None else {'data_prefix': given}
        return {**own, **self._layout_folders(key)}

    def _title(self) -> str:
        return f'{type(self).__name__} ({self.dataset_name})'
