# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmseg.registry import OPTIMIZERS
from torch import Tensor
from torch.optim import Optimizer


@OPTIMIZERS.register_module()
class RepeatSGD(Optimizer):
    """SGD that takes several sub-steps with the same gradient.

    The code of AdaptSegNet, ADVENT and IntraDA lists each backbone weight
    several times in one parameter group. Under the authors' PyTorch 0.4.1 a
    weight listed k times gets, per iteration, k times ::

        g <- g + weight_decay * p;  v <- momentum * v + g;  p <- p - lr * v

    with one momentum buffer and the decay adding up in g. In the long run
    this is k times the learning rate with momentum ``momentum ** k``. With
    ``repeats=1`` the numbers are those of ``torch.optim.SGD``, which is the
    switch: set ``type='SGD'``.

    ``repeats`` is a setting of a parameter group; with mmengine's
    ``paramwise_cfg`` it is given by name::

        paramwise_cfg=dict(custom_keys={
            'backbone.layer': dict(repeats=3),
            'downsample.0.weight': dict(repeats=4)})

    Groups with equal settings are updated together (multi-tensor kernels).

    Args:
        params (Iterable): Parameters or parameter groups.
        lr (float): Learning rate. Defaults to 1e-3.
        momentum (float): Factor of the old velocity. Defaults to 0.
        weight_decay (float): L2 penalty. Defaults to 0.
        repeats (int): Sub-steps per step. Defaults to 1.

    Raises:
        ValueError: If a setting is out of range.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        repeats: int = 1,
    ) -> None:
        defaults = dict(
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            repeats=repeats,
        )
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group after checking its settings."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for name in ('lr', 'momentum', 'weight_decay'):
            if not group[name] >= 0:
                raise ValueError(
                    f'RepeatSGD.{name}={group[name]}: must be >= 0'
                )
        repeats = group['repeats']
        if not isinstance(repeats, int) or repeats < 1:
            raise ValueError(
                f'RepeatSGD.repeats={repeats!r}: expected a whole number >= 1'
            )

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure (Callable, optional): Computes the loss anew.
                Defaults to None.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for settings, params in self._by_settings().items():
            velocities = [self._velocity(param) for param in params]
            _update(params, velocities, *settings)
        return loss

    def _by_settings(self) -> dict[tuple, list[Tensor]]:
        """Parameters with a gradient by their settings and place."""
        found: dict[tuple, list[Tensor]] = {}
        names = ('lr', 'momentum', 'weight_decay', 'repeats')
        for group in self.param_groups:
            settings = tuple(group[name] for name in names)
            for param in group['params']:
                if param.grad is not None:
                    found.setdefault(settings, []).append(param)
        return found

    def _velocity(self, param: Tensor) -> Tensor:
        state = self.state[param]
        if 'momentum_buffer' not in state:
            state['momentum_buffer'] = torch.zeros_like(param)
        return state['momentum_buffer']


def _update(
    params: list[Tensor],
    velocities: list[Tensor],
    lr: float,
    momentum: float,
    weight_decay: float,
    repeats: int,
) -> None:
    """The rule of the class on lists of tensors, in place."""
    gradients = [param.grad for param in params]
    for turn in range(repeats):
        if weight_decay and turn == 0:
            # A new list: the gradients belong to the caller.
            gradients = torch._foreach_add(
                gradients, params, alpha=weight_decay
            )
        elif weight_decay:
            torch._foreach_add_(gradients, params, alpha=weight_decay)
        torch._foreach_mul_(velocities, momentum)
        torch._foreach_add_(velocities, gradients)
        torch._foreach_add_(params, velocities, alpha=-lr)
