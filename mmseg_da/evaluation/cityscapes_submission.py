# SPDX-License-Identifier: Apache-2.0
"""Predictions as the Cityscapes benchmark wants them, with official scores."""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import METRICS

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.zip_files import split_zip_path
from mmseg_da.utils.files import atomic_write

from .cityscapes_official import frame_name, score_cityscapes_pairs
from .prediction_writer import PredictionWriter, write_png
from .views import classes_of, subset_indices, view_of


@METRICS.register_module()
class CityscapesSubmission(PredictionWriter):
    """Write a Cityscapes submission and score it officially if possible.

    Files: ``label_ids/<city>_<sequence>_<frame>_pred_labelIds.png`` (8-bit
    label ids, one channel, size of the original image) and the same files
    flat in ``submission.zip``, ready for https://www.cityscapes-dataset.com.
    The rules of :class:`PredictionWriter` hold.

    When every image has a label file, the official ``cityscapesscripts``
    score the files: ``cityscapes/mIoU``, ``cityscapes/IoU.<class>``,
    ``cityscapes/mIoU<subset>`` and the others of
    :func:`~mmseg_da.evaluation.cityscapes_official.score_cityscapes_pairs`.
    They open files only: labels inside of an archive have to be unpacked.
    The official mean counts all 19 classes that occur; with the 16-class
    view ``cityscapes/mIoU16`` is the mean over the view's own classes.

    Args:
        output_dir: Folder to write; new, empty, or of an earlier run.
        color: Also write ``color/*.png`` in the palette.
        soft: Also write ``soft/<frame>_soft.npz``, see
            :class:`PredictionWriter`.
        overlay: Also write ``overlay/*.png``, likewise.
        train_ids: Also write ``train_ids/<frame>_gtFine_labelIds.png`` of
            train ids, as SAC names the predictions its class statistics are
            counted from. They are never scored.
        make_zip: Write ``submission.zip``.
        format_only: Never score.
        class_view: View that the data must have; None accepts any view with
            one Cityscapes id per class.
        collect_device: ``'cpu'`` or ``'gpu'``, for several processes.
        prefix: Put before the names of the results, with a slash.

    Raises:
        FileExistsError: ``output_dir`` holds something else.
    """

    default_prefix = 'cityscapes'
    kind = 'label_ids'

    def __init__(
        self,
        output_dir: str,
        color: bool = False,
        make_zip: bool = True,
        format_only: bool = False,
        class_view: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        soft: bool = False,
        overlay: bool = False,
        train_ids: bool = False,
    ) -> None:
        super().__init__(
            output_dir, color, collect_device, prefix, soft, overlay
        )
        self.train_ids = train_ids
        self.make_zip = make_zip
        self.format_only = format_only
        self.class_view = class_view
        self._told = False

    def path_of(self, img_path: str) -> Path:
        """File of a frame; both the scorer and the server know the name."""
        name = f'{frame_name(img_path)}_pred_labelIds.png'
        return self.output_dir / self.kind / name

    def write_extras(self, sample: dict, ids: np.ndarray, name: str) -> None:
        """Also write the train ids."""
        super().write_extras(sample, ids, name)
        if self.train_ids:
            file = f'{frame_name(sample["img_path"])}_gtFine_labelIds.png'
            write_png(self.output_dir / 'train_ids' / file, ids)

    def encode(self, ids: np.ndarray) -> np.ndarray:
        """Label ids for train ids, both uint8 (H, W)."""
        view = view_of(self.dataset_meta, self.class_view)
        if view is None:
            raise ValueError(
                'CityscapesSubmission needs the class view of the data to '
                'write label ids; set class_view of the data set, e.g. '
                "'cityscapes19'."
            )
        return get_class_view(view).to_raw('cityscapes')[ids]

    def label_of(self, sample: dict) -> str:
        """Path of the label-id file of a sample, '' if there is none."""
        path = sample.get('seg_map_path') or ''
        path = path.replace('_labelTrainIds.png', '_labelIds.png')
        if split_zip_path(path) and not (self._told or self.format_only):
            self._told = True
            print_log(
                f'CityscapesSubmission: the label {path} lies in an archive, '
                'so there will be no official scores: cityscapesscripts open '
                'files only. Unpack the label archive (gtFine) and run again.',
                logger='current',
                level=logging.WARNING,
            )
        return path if path and os.path.isfile(path) else ''

    def compute_metrics(
        self, results: list[tuple[str, str]]
    ) -> dict[str, float]:
        """Write the zip, then score when every label exists.

        Args:
            results: Prediction and label file ('' if none) of every image.

        Returns:
            The official scores in percent; empty without labels.

        Raises:
            ValueError: Two images have the same frame name, or the official
                scorer refuses a file.
        """
        super().compute_metrics(results)
        if self.make_zip:
            files = [Path(path) for path, _ in results]
            _write_zip(self.output_dir / 'submission.zip', files)
        if self.format_only or not all(label for _, label in results):
            return {}
        return self._add_subsets(score_cityscapes_pairs(results))

    def _add_subsets(self, scores: dict[str, float]) -> dict[str, float]:
        """Add the means over class subsets, as in the papers' tables."""
        classes = classes_of(self.dataset_meta)
        view = view_of(self.dataset_meta, self.class_view)
        subsets = subset_indices(None, classes, view)
        if len(classes) < 19:
            subsets[str(len(classes))] = list(range(len(classes)))
        for subset, ids in subsets.items():
            values = [scores.get(f'IoU.{classes[i]}', np.nan) for i in ids]
            if not np.isnan(values).all():
                scores[f'mIoU{subset}'] = float(np.nanmean(values))
        return scores


def _write_zip(path: Path, files: list[Path]) -> None:
    """Pack files flat; the same files give the same bytes."""
    with (
        atomic_write(path) as temporary,
        zipfile.ZipFile(temporary, 'w', zipfile.ZIP_STORED) as archive,
    ):
        for file in sorted(files):
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
