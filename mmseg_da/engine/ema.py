# SPDX-License-Identifier: Apache-2.0
"""Mean teacher weights with fused updates."""

from __future__ import annotations

import torch
from mmengine.model import ExponentialMovingAverage
from mmseg.registry import MODELS
from torch import Tensor, nn

BUFFER_POLICIES = ('copy', 'average', 'keep')


@MODELS.register_module()
class FusedEMA(ExponentialMovingAverage):
    """mmengine's exponential moving average with one fused kernel per list.

    The arithmetic, the state dict (``steps``, ``module.*``) and the meaning
    of ``momentum`` (weight of the *new* value: the papers' alpha 0.99 is
    0.01) are mmengine's: the first update copies, later ones move the average
    by ``momentum``, or by ``max(momentum, gamma / (gamma + steps))`` with
    ``gamma`` (``MomentumAnnealingEMA``). ``gamma=1`` is the usual warm-up
    alpha = min(1 - 1 / (t + 1), 1 - momentum) of Mean Teacher
    (Tarvainen & Valpola, arXiv 1703.01780).

    Unlike mmengine's class it follows the module when that is moved to
    another device, also with averaged buffers.

    Args:
        model (nn.Module): The averaged model; copied.
        momentum (float): Weight of the new value, in (0, 1). Defaults to
            0.01.
        gamma (float, optional): Warm-up; None is a constant momentum.
            Defaults to None.
        interval (int): Average every ``interval``-th update only. Defaults
            to 1.
        buffers (str): What happens to buffers (BatchNorm statistics):
            'copy' takes the student's at each update; 'average' averages
            floating ones like parameters; 'keep' leaves the teacher its own.
            Defaults to 'copy'.
        epoch_length (int, optional): Updates after which the counting of
            ``interval`` starts anew. Defaults to None, never.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 0.01,
        gamma: float | None = None,
        interval: int = 1,
        buffers: str = 'copy',
        epoch_length: int | None = None,
    ) -> None:
        if buffers not in BUFFER_POLICIES:
            raise ValueError(
                f'teacher.buffers={buffers!r}; allowed: '
                f'{", ".join(BUFFER_POLICIES)}'
            )
        if not 0 < momentum < 1:
            raise ValueError(
                f'teacher.momentum={momentum} must lie in (0, 1); it is the '
                'weight of the new value: alpha 0.99 is momentum=0.01'
            )
        if gamma is not None and gamma <= 0:
            raise ValueError(f'teacher.gamma={gamma} must be positive')
        if interval < 1:
            raise ValueError(f'teacher.interval={interval} must be >= 1')
        if epoch_length is not None and epoch_length < 1:
            raise ValueError(
                f'teacher.epoch_length={epoch_length} must be >= 1'
            )
        super().__init__(
            model, momentum, interval, update_buffers=buffers == 'average'
        )
        # The parent's references go stale when the module changes device.
        del self.avg_parameters
        self.buffer_policy = buffers
        self.gamma = gamma
        self.epoch_length = epoch_length

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the model's present weights into the average.

        Args:
            model (nn.Module): A model of the teacher's structure.

        Raises:
            ValueError: If its parameters or buffers have other names or
                shapes (checked at the first update).
        """
        steps = int(self.steps)
        average = list(self.module.parameters())
        source = list(model.parameters())
        buffers = list(self.module.buffers())
        source_buffers = list(model.buffers())
        if steps == 0:
            self._check_structure(model)
            _copy(average, source)
            if self.buffer_policy == 'average':
                _copy(buffers, source_buffers)
        elif self._is_due(steps):
            if self.buffer_policy == 'average':
                average, source = average + buffers, source + source_buffers
            _lerp(average, source, self._momentum_at(steps))
        if self.buffer_policy == 'copy':
            _copy(buffers, source_buffers)
        self.steps += 1

    def _is_due(self, steps: int) -> bool:
        if self.epoch_length is not None:
            steps %= self.epoch_length
        return steps % self.interval == 0

    def _momentum_at(self, steps: int) -> float:
        if self.gamma is None:
            return self.momentum
        return max(self.momentum, self.gamma / (self.gamma + steps))

    def _check_structure(self, model: nn.Module) -> None:
        own = _shapes(self.module)
        other = _shapes(model)
        if own != other:
            names = sorted(
                key
                for key in own.keys() | other.keys()
                if own.get(key) != other.get(key)
            )
            raise ValueError(
                'the teacher and the model it follows differ in '
                f'{", ".join(names[:3])} ({len(names)} tensors); both have '
                'to be built from the same config'
            )


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return {name: tensor.shape for name, tensor in tensors}


def _copy(target: list[Tensor], source: list[Tensor]) -> None:
    # One dtype per call, otherwise torch falls back to a loop.
    for dtype in {tensor.dtype for tensor in target}:
        pairs = [
            (t, s)
            for t, s in zip(target, source, strict=True)
            if t.dtype == dtype
        ]
        targets, sources = zip(*pairs, strict=True)
        torch._foreach_copy_(targets, sources)


def _lerp(target: list[Tensor], source: list[Tensor], weight: float) -> None:
    pairs = [
        (t, s.to(t.device))
        for t, s in zip(target, source, strict=True)
        if t.is_floating_point()
    ]
    targets, sources = zip(*pairs, strict=True)
    torch._foreach_lerp_(targets, sources, weight)
