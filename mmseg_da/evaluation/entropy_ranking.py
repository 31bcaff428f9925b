# SPDX-License-Identifier: Apache-2.0
"""Rank images by the entropy of their predictions, as an artefact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from torch import Tensor

from mmseg_da.datasets.pseudo_label_files import (
    EASY_LIST,
    HARD_LIST,
    SCORES_FILE,
    check_flat_names,
    format_list,
    format_scores,
    image_name,
)
from mmseg_da.engine.artifact_writer import ArtifactWriter
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer
from mmseg_da.uda import ranking

from .ranking_pictures import entropy_picture, label_pictures
from .views import classes_of, view_of

__all__ = ['EntropyRankingMetric']

KIND = 'entropy_ranking'
_SUMMARY = 'ranking'


class _Row(NamedTuple):
    """What is kept of an image."""

    img_path: str
    mean_entropy: float
    normaliser: float
    size: tuple[int, int]


@METRICS.register_module()
class EntropyRankingMetric(BaseMetric):
    """Entropy ranking and pseudo labels of IntraDA (Pan et al., CVPR 2020).

    Writes the artefact ``<root>/entropy_ranking/<key>``:

    - ``easy_split.txt``, ``hard_split.txt``: one image per line, ascending
      score, equal scores in the order of the set;
    - ``scores.csv``: name, mean entropy, normaliser, score;
    - ``labels/<image>.png``: arg-max of every image, 8-bit grey, train ids;
    - ``color/<image>_color.png``: the same indices with the palette;
    - ``entropy/<image>.png``: normalised entropy of every pixel, if wanted.

    Logits must have the size of the network's input, so that they were
    enlarged once: end the pipeline's geometry with ``PredictAtInputSize``.
    Any batch and image size, several processes; images that a sampler gives
    to two processes count once. There are no scores of quality; the results
    are ``ranking/easy``, ``ranking/hard`` and ``ranking/mean_entropy``.

    Args:
        root: Folder of the artefact store.
        key: Name of the artefact.
        easy_ratio: Share of easy images, lambda of the paper.
        normalize: Multiply the score by ``(K - k) / K + 0.5``, k of K rare
            classes in the prediction ("+ entropy normalization").
        rare_classes: Names of the K classes; what the data lack is left out.
        allow_empty: Allow an empty half (ablations).
        color: Write the colour views.
        entropy_maps: Write the entropy maps.
        images: Path of every image -> its entry in the lists, in the order of
            the set; all have to be ranked. None: entries are file names.
        producer: Hashes of what made the predictions, for the manifest.
        overwrite, clear: As in :meth:`ArtifactStore.writer`.
        collect_device, prefix: As in mmengine's ``BaseMetric``.

    Raises:
        ValueError: ``easy_ratio`` does not fit, or two images have the same
            file name.
    """

    default_prefix = _SUMMARY

    def __init__(
        self,
        root: str,
        key: str,
        easy_ratio: float = 0.67,
        normalize: bool = False,
        rare_classes: Sequence[str] = ranking.RARE_CLASSES,
        allow_empty: bool = False,
        color: bool = True,
        entropy_maps: bool = False,
        images: Mapping[str, str] | None = None,
        producer: Mapping[str, str] | None = None,
        overwrite: bool = False,
        clear: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        known = len(images or ())
        ranking.check_easy_ratio(known, easy_ratio, allow_empty or not known)
        check_flat_names((images or {}).values())
        self.store, self.key = ArtifactStore(root), key
        self.easy_ratio, self.allow_empty = easy_ratio, allow_empty
        self.normalize, self.rare_classes = normalize, tuple(rare_classes)
        self.color, self.entropy_maps = color, entropy_maps
        self.images = images
        self.producer = dict(producer or make_producer(code=(ranking,)))
        self.overwrite, self.clear = overwrite, clear
        self._writer: ArtifactWriter | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score a batch and write its pseudo labels.

        Args:
            data_batch: Not used.
            data_samples: Predictions with ``seg_logits`` data (C, H, W),
                ``img_path``, ``img_shape`` and ``ori_shape``.

        Raises:
            ValueError: A score that is not finite, logits of another size
                than the input or of other classes than the data.
            FileExistsError: The artefact is finished already.
        """
        try:
            self._open()
            for sample in data_samples:
                self.results.append(self._rank(sample))
        except BaseException:
            self.close()
            raise

    def evaluate(self, size: int) -> dict:
        """Order all images and finish the artefact.

        Args:
            size: Number of images of the set.

        Returns:
            Numbers of easy and hard images, and the mean entropy.

        Raises:
            ValueError: Images are missing, or the split is not possible.
        """
        try:
            self._open()
            results = super().evaluate(size)
            writer, self._writer = self._writer, None
            writer.__exit__(None, None, None)
        except BaseException:
            self.close()
            raise
        return results

    def close(self) -> None:
        """Let go of an artefact that will not be finished by this run."""
        writer, self._writer = self._writer, None
        self.results.clear()
        if writer is not None:
            writer.__exit__(RuntimeError, RuntimeError('given up'), None)

    def compute_metrics(self, results: list[_Row]) -> dict[str, float]:
        """Write lists and scores; called in the main process.

        Args:
            results: What is kept of every image.
        """
        rows = self._ordered(results)
        scores = [row.mean_entropy * row.normaliser for row in rows]
        halves = ranking.split_by_score(
            scores, self.easy_ratio, self.allow_empty
        )
        paths = [row.img_path for row in rows]
        names = [(self.images or {}).get(x, Path(x).name) for x in paths]
        check_flat_names(paths)
        easy, hard = ([names[i] for i in half] for half in halves)
        table = [
            (names[i], rows[i].mean_entropy, rows[i].normaliser, scores[i])
            for i in (*halves[0], *halves[1])
        ]
        files = {
            EASY_LIST: format_list(easy),
            HARD_LIST: format_list(hard),
            SCORES_FILE: format_scores(table),
        }
        self._writer.write(_SUMMARY, files)
        self._describe(rows)
        print_log(
            f'{len(easy)} easy and {len(hard)} hard images: '
            f'{self._writer.target}',
            'current',
        )
        mean = float(np.mean([row.mean_entropy for row in rows]))
        return {'easy': len(easy), 'hard': len(hard), 'mean_entropy': mean}

    def _open(self) -> None:
        """Start the artefact, in every process."""
        if self._writer is not None:
            return
        meta = {
            'easy_ratio': self.easy_ratio,
            'normalize': self.normalize,
            'rare_classes': self.rare_classes if self.normalize else None,
            'classes': classes_of(self.dataset_meta),
        }
        writer = self.store.writer(
            KIND,
            self.key,
            self.producer,
            class_view=view_of(self.dataset_meta, None),
            meta=meta,
            overwrite=self.overwrite,
            clear=self.clear,
        )
        writer.__enter__()
        self._writer = writer

    def _rank(self, sample: dict) -> _Row:
        logits = self._checked_logits(sample)
        score = float(ranking.ranking_score(logits))
        path = sample['img_path']
        if not np.isfinite(score):
            raise ValueError(
                f'{path}: its ranking score is {score}, so the order is not '
                'defined. The network gives NaN or infinite logits: has its '
                'training diverged?'
            )
        labels = logits[0].argmax(0)
        normaliser = 1.0
        if self.normalize:
            classes = classes_of(self.dataset_meta)
            rare = ranking.rare_class_ids(classes, self.rare_classes)
            present = ranking.count_present(labels, rare)
            normaliser = ranking.rare_class_factor(present, len(rare))
        self._write_pictures(path, logits, labels)
        height, width = labels.shape
        return _Row(path, score, normaliser, (width, height))

    def _checked_logits(self, sample: dict) -> Tensor:
        """Logits (1, C, H, W) at the size of the network's input."""
        path = sample['img_path']
        logits = sample['seg_logits']['data']
        count = len(classes_of(self.dataset_meta))
        if logits.shape[0] != count:
            raise ValueError(
                f'{path}: logits of {logits.shape[0]} classes, the data have '
                f'{count}. Give network and data the same class view.'
            )
        wanted, found = sample['img_shape'][:2], sample['ori_shape'][:2]
        if tuple(wanted) != tuple(found):
            raise ValueError(
                f'{path}: predicted at {found[1]}x{found[0]}, but the input '
                f'has {wanted[1]}x{wanted[0]} (width x height). Images are '
                "ranked at the size of the input: put dict(type='"
                "PredictAtInputSize') after the resize of the pipeline."
            )
        return logits[None]

    def _write_pictures(
        self, path: str, logits: Tensor, labels: Tensor
    ) -> None:
        name = image_name(path)
        palette = self.dataset_meta['palette'] if self.color else None
        files = label_pictures(name, labels, palette)
        if self.entropy_maps:
            files.update(entropy_picture(name, logits))
        self._writer.write(name, files)

    def _ordered(self, results: list[_Row]) -> list[_Row]:
        """Every image once, in the order of the set."""
        rows: dict[str, _Row] = {}
        # mmengine turns the rows into plain tuples.
        for row in map(_Row._make, results):
            rows.setdefault(row.img_path, row)
        if self.images is None:
            return list(rows.values())
        missing = [path for path in self.images if path not in rows]
        if missing or len(rows) != len(self.images):
            raise ValueError(
                f'{len(missing)} of {len(self.images)} images were not '
                f'ranked, e.g. {missing[:3]}, and '
                f'{len(rows.keys() - self.images.keys())} others were. Rank '
                'the whole set.'
            )
        return [rows[path] for path in self.images]

    def _describe(self, rows: Sequence[_Row]) -> None:
        """Put what is known only now into the manifest."""
        sizes = {row.size for row in rows}
        header = self._writer.header
        header['sizes'] = list(sizes.pop()) if len(sizes) == 1 else None
        header['meta'] = {**header['meta'], 'num_images': len(rows)}
