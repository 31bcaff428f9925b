# SPDX-License-Identifier: Apache-2.0
"""Rank the target images when a training ends."""

from __future__ import annotations

import hashlib

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer
from mmseg_da.evaluation import entropy_ranking
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric

from .. import rank_images, ranking


@HOOKS.register_module()
class EntropyRankingHook(Hook):
    """Write the entropy ranking of the final weights after training.

    The same files as ``tools/make_artifact.py entropy_ranking`` with the last
    checkpoint; BatchNorm statistics are those of the end (of
    ``TargetBNHook``, where it is used). In a distributed run the processes
    share the images.

    Args:
        dataset (dict): Config of the unlabelled target images with the
            pipeline of a test, e.g. ``target_images`` of the base configs.
        root (str): Folder of the artefact store.
        key (str): Name of the artefact.
        easy_ratio (float): Share of easy images, lambda. Defaults to 0.67.
        normalize (bool): Lower the score of images with rare classes.
            Defaults to False.
        allow_empty (bool): Allow an empty half. Defaults to False.
        entropy_maps (bool): Write entropy maps. Defaults to False.
        batch_size (int): Images at a time. Defaults to 1.
        num_workers (int): Worker processes. Defaults to 0.
        overwrite (bool): Replace a finished artefact; a resumed training
            always does. Defaults to False.

    Raises:
        FileExistsError: Before training, if the artefact is finished.
        ValueError: Before training, if ``easy_ratio`` does not fit or two
            images have the same file name; after it, see
            :class:`EntropyRankingMetric`.
    """

    priority = 'LOW'

    def __init__(
        self,
        dataset: dict,
        root: str,
        key: str,
        easy_ratio: float = 0.67,
        normalize: bool = False,
        allow_empty: bool = False,
        entropy_maps: bool = False,
        batch_size: int = 1,
        num_workers: int = 0,
        overwrite: bool = False,
    ) -> None:
        self.dataset = dataset
        self.store, self.key = ArtifactStore(root), key
        self.overwrite = overwrite
        self.loader_options = (batch_size, num_workers)
        self.metric_options = dict(
            easy_ratio=easy_ratio,
            normalize=normalize,
            allow_empty=allow_empty,
            entropy_maps=entropy_maps,
        )

    def before_train(self, runner: Runner) -> None:
        """Check everything that can be checked before hours of training."""
        folder = self.store.folder(entropy_ranking.KIND, self.key)
        if folder.exists() and not (self.overwrite or runner._resume):
            raise FileExistsError(
                f'EntropyRankingHook: artefact {folder} is finished; choose '
                'another key, or set overwrite=True to replace it'
            )
        self._loader = rank_images.build_ranking_loader(
            self.dataset, *self.loader_options
        )
        self._metric = EntropyRankingMetric(
            str(self.store.root),
            self.key,
            images=rank_images.list_entries(self._loader.dataset),
            overwrite=True,
            clear=True,
            **self.metric_options,
        )

    def after_train(self, runner: Runner) -> None:
        """Rank with the weights in memory."""
        model = runner.model
        network = model.module if is_model_wrapper(model) else model
        code = (ranking, entropy_ranking, rank_images)
        self._metric.producer = {
            **make_producer(runner.cfg, code=code),
            'weights': _hash_weights(network),
        }
        rank_images.rank_images(model, self._loader, self._metric)


def _hash_weights(model: nn.Module) -> str:
    """SHA-256 over names and values of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
