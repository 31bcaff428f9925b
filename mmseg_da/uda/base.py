# SPDX-License-Identifier: Apache-2.0
"""The wrapper every adaptation method derives from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmengine.model import ExponentialMovingAverage
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from mmseg_da.engine.update import run_update_phases
from mmseg_da.models.utils import segmentor_losses

from .checks import check_choice
from .plain_checkpoint import adopt_plain_checkpoint

TEACHER_MODES = ('eval', 'train', 'train_no_dropout')
PREDICTORS = ('segmentor', 'teacher')


class BaseUDASegmentor(BaseSegmentor):
    """A trained segmentor with the extra networks a method needs.

    A method is a subclass whose only interesting part is :meth:`loss`: it
    receives one tensor and one list of samples per branch and returns one
    dict of losses, which is back-propagated once. Everything else (validation,
    test, TTA, inference API, export) delegates to the segmentor or, with
    ``test_cfg=dict(predict_on='teacher')``, to the teacher.

    Checkpoint keys are ``segmentor.*``, ``teacher.*``, ``discriminators.*``.
    A plain mmseg ``EncoderDecoder`` checkpoint loads into ``segmentor`` (and
    into the teacher, if there is one).

    Args:
        segmentor (dict): Config of the trained network (``EncoderDecoder``).
        teacher (dict, optional): Config of an mmengine EMA module
            (``FusedEMA``, ``ExponentialMovingAverage``, ...); it averages
            ``segmentor`` and is updated by ``MeanTeacherHook``. Its
            ``momentum`` is the weight of the *new* value: the papers' alpha
            0.99 is ``momentum=0.01``. Defaults to None.
        teacher_mode (str): How the teacher runs while training: 'eval';
            'train' (batch statistics and dropout); 'train_no_dropout'.
            Defaults to 'eval'.
        discriminators (dict[str, dict], optional): Named discriminator
            configs. Defaults to None.
        data_preprocessor (dict, optional): Config, normally
            ``MultiBranchDataPreprocessor``. Defaults to None.
        train_cfg (dict, optional): Accepted for mmseg's APIs, must be empty.
            Defaults to None.
        test_cfg (dict, optional): ``predict_on`` ('segmentor' or 'teacher').
            Defaults to None, the segmentor.
        pretrained (str, optional): Accepted for mmseg's APIs, must be None;
            use ``segmentor.backbone.init_cfg``.
        init_cfg (dict, optional): Weight initialisation. Defaults to None.

    Attributes:
        required_branches: Branches :meth:`loss` reads.
        unused_parameters: Trainable parameters no loss reaches, by name.
        update_phases: Phase name -> branches. Empty means one update from
            all branches; otherwise one optimiser step per phase, in order.
        teacher_start: Steps that a teacher counts before its first update;
            0 makes that update a copy of the segmentor.

    Raises:
        ValueError: If an option has an unknown value, or a training batch
            lacks a required branch.
    """

    required_branches: ClassVar[tuple[str, ...]] = ()
    unused_parameters: ClassVar[tuple[str, ...]] = ()
    update_phases: Mapping[str, tuple[str, ...]] = {}
    teacher_start: ClassVar[int] = 0

    def __init__(
        self,
        segmentor: dict,
        teacher: dict | None = None,
        teacher_mode: str = 'eval',
        discriminators: dict[str, dict] | None = None,
        data_preprocessor: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        pretrained: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor=data_preprocessor, init_cfg=init_cfg
        )
        _refuse_legacy(train_cfg, pretrained)
        check_choice('model.teacher_mode', teacher_mode, TEACHER_MODES)
        self.teacher_mode = teacher_mode
        self.predict_on = _predict_on(
            test_cfg, has_teacher=teacher is not None
        )
        self.segmentor = MODELS.build(segmentor)
        self.teacher: ExponentialMovingAverage | None = None
        if teacher is not None:
            self.teacher = MODELS.build(
                teacher, default_args={'model': self.segmentor}
            )
            self.teacher.steps.fill_(self.teacher_start)
        if discriminators:
            self.discriminators = nn.ModuleDict(
                {
                    name: MODELS.build(cfg)
                    for name, cfg in discriminators.items()
                }
            )
        self.register_load_state_dict_pre_hook(adopt_plain_checkpoint)

    # Training ---------------------------------------------------------------

    def train_step(self, data: dict, optim_wrapper: Any) -> dict[str, Tensor]:
        """Preprocess a batch, then run one update per phase.

        Shares :func:`run_update_phases` with the DDP wrapper, so that one
        and several processes run the same code.
        """
        with optim_wrapper.optim_context(self):
            data = self.data_preprocessor(data, True)
        return run_update_phases(
            self, self.update_phases, data, optim_wrapper, self.parse_losses
        )

    def forward(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: Any = None,
        mode: str = 'tensor',
    ) -> Any:
        """mmseg's entry point; in 'loss' mode checks the branches first."""
        if mode == 'loss':
            self._check_branches(inputs)
        return super().forward(inputs, data_samples, mode)

    def supervised_loss(
        self,
        branch: str,
        inputs: dict[str, Tensor],
        data_samples: dict[str, list],
    ) -> dict[str, Tensor]:
        """The segmentor's own losses on a labelled branch.

        Args:
            branch (str): Branch name, also the prefix of the log keys.
            inputs (dict[str, Tensor]): Images (N, 3, H, W) per branch.
            data_samples (dict[str, list]): Samples with ``gt_sem_seg``.

        Returns:
            dict[str, Tensor]: E.g. ``source.decode.loss_ce``.
        """
        losses = segmentor_losses(
            self.segmentor, inputs[branch], data_samples[branch]
        )
        return add_prefix(losses, branch)

    def train(self, mode: bool = True) -> BaseUDASegmentor:
        """Set the mode; the teacher follows ``teacher_mode``."""
        super().train(mode)
        if mode and self.teacher is not None:
            self.teacher.train(self.teacher_mode != 'eval')
            if self.teacher_mode == 'train_no_dropout':
                for module in self.teacher.modules():
                    if isinstance(module, _DropoutNd):
                        module.eval()
        return self

    def _check_branches(self, inputs: Any) -> None:
        if not isinstance(inputs, Mapping):
            raise ValueError(
                f'{type(self).__name__}.loss needs one tensor per branch, got '
                f'{type(inputs).__name__}. End the training pipelines with '
                "dict(type='MultiBranch', ...) and use "
                'MultiBranchDataPreprocessor.'
            )
        if self.update_phases:
            return
        missing = [b for b in self.required_branches if b not in inputs]
        if missing:
            raise ValueError(
                f'{type(self).__name__} needs the branches {missing}; the '
                f'batch has {sorted(inputs)}. Check the MultiBranch entries '
                'of the training pipelines and source_ratio of the sampler.'
            )

    # Prediction -------------------------------------------------------------

    @property
    def predictor(self) -> BaseSegmentor:
        """BaseSegmentor: The network that predicts."""
        if self.predict_on == 'teacher':
            return self.teacher.module
        return self.segmentor

    @property
    def decode_head(self) -> nn.Module:
        """nn.Module: Decode head of the predicting network."""
        return self.predictor.decode_head

    @property
    def num_classes(self) -> int:
        """int: Number of classes."""
        return self.predictor.num_classes

    @property
    def out_channels(self) -> int:
        """int: Channels of the logits."""
        return self.predictor.out_channels

    @property
    def align_corners(self) -> bool:
        """bool: How logits are resized."""
        return self.predictor.align_corners

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Features of images (N, 3, H, W)."""
        return self.predictor.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list) -> Tensor:
        """Logits (N, C, H, W) at the size of the input images."""
        return self.predictor.encode_decode(inputs, batch_img_metas)

    def predict(
        self, inputs: Tensor, data_samples: list | None = None
    ) -> list:
        """Predictions at the original image size, as ``SegDataSample``."""
        return self.predictor.predict(inputs, data_samples)

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Tensor:
        return self.predictor(inputs, data_samples, mode='tensor')


def _predict_on(test_cfg: dict | None, has_teacher: bool) -> str:
    options = dict(test_cfg or {})
    predictor = options.pop('predict_on', 'segmentor')
    check_choice('model.test_cfg.predict_on', predictor, PREDICTORS)
    if options:
        raise ValueError(
            f'model.test_cfg has unknown keys {sorted(options)}; allowed: '
            'predict_on. Options of the inference itself (mode, stride) '
            'belong into model.segmentor.test_cfg.'
        )
    if predictor == 'teacher' and not has_teacher:
        raise ValueError(
            "model.test_cfg.predict_on='teacher', but model.teacher is not "
            "set; use 'segmentor' or configure a teacher"
        )
    return predictor


def _refuse_legacy(train_cfg: dict | None, pretrained: str | None) -> None:
    if train_cfg:
        raise ValueError(
            f'model.train_cfg={train_cfg} is not used; every option of a '
            'method is a named argument of its class'
        )
    if pretrained is not None:
        raise ValueError(
            f'model.pretrained={pretrained!r}: set '
            "model.segmentor.backbone.init_cfg=dict(type='Pretrained', "
            'checkpoint=...) instead'
        )
