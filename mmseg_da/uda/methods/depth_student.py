# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import Tensor

from ..depth_model import DepthModel
from ..sde_parts import stack_disparities


@MODELS.register_module()
class DepthStudent(DepthModel):
    """Small depth network that learns from another one's disparities.

    Hoyer et al., CVPR 2021, sec. 3.1: a student is trained on the images
    chosen so far; where it still differs from its teacher, images are
    difficult and worth a label. The teacher's disparities come from an
    artefact (``LoadDisparityArtifact``, 8 bits, normalised per image), the
    loss is reverse Huber without the own car.

    Difference from the reference: the decoders of our configs have a head for
    scale 0 only, the one that the loss sees (``decoder.scales``).

    Disparities normalised per image give no depth scale: the depth metrics
    of a student compare students, not depth networks.

    Loss keys: ``<branch>.student.loss_berhu``; diagnostics ``.disp_std``,
    ``.abs_error``. Branches: every branch, normally ``target``; its samples
    bring ``disparity``.

    Args:
        encoder (dict): Config of the encoder, ``ResNetStem``.
        decoder (dict): Config of the decoder, ``DisparityDecoder``.
        loss (dict, optional): Config of ``BerHuLoss``. Defaults to None, the
            paper's.
        eval_depth_range (Sequence[float]): See :class:`DepthModel`.
            Defaults to (0.1, 100).
        data_preprocessor (dict, optional): ``MultiBranchDataPreprocessor``
            to RGB in [0, 1]. Defaults to None.
        init_cfg (dict, optional): Weight initialisation. Defaults to None.

    Raises:
        ValueError: If a sample has no disparity.
    """

    def __init__(
        self,
        encoder: dict,
        decoder: dict,
        loss: dict | None = None,
        eval_depth_range: Sequence[float] = (0.1, 100.0),
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            encoder, decoder, eval_depth_range, data_preprocessor, init_cfg
        )
        self.berhu = MODELS.build({'type': 'BerHuLoss', **(loss or {})})

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Reverse Huber loss to the teacher's disparities."""
        losses: dict[str, Tensor] = {}
        for branch, images in inputs.items():
            teacher = stack_disparities(data_samples[branch], branch)
            student = self.disparity(images)
            name = f'{branch}.student'
            losses[f'{name}.loss_berhu'] = self.berhu(student, teacher)
            known = student.detach().float()
            losses[f'{name}.abs_error'] = (known - teacher).abs().mean()
            losses[f'{name}.disp_std'] = known.std()
        return losses
