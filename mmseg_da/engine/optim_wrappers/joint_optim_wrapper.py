# SPDX-License-Identifier: Apache-2.0
"""Several optimisers behind one backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper, OptimWrapperDict
from mmseg.registry import OPTIM_WRAPPERS
from torch import Tensor, nn


def accumulative_counts(optim_wrapper: OptimWrapper) -> int:
    """Return after how many backward passes the optimisers step (>= 1)."""
    if isinstance(optim_wrapper, JointOptimWrapper):
        return accumulative_counts(optim_wrapper.leader)
    return optim_wrapper._accumulative_counts


@OPTIM_WRAPPERS.register_module()
class JointOptimWrapper(OptimWrapperDict):
    """Back-propagate once, then step every member.

    ``OptimWrapperDict`` alone cannot take part in mmengine's train step. Here
    the sum of all losses is back-propagated once and each member clips its
    own gradients and steps. This equals the sequential updates of adversarial
    methods whenever no optimiser step lies between the terms.

    With mixed precision the members share ONE gradient scaler: the loss is
    scaled once, each member is unscaled and clipped, each member steps, and
    the scale is updated once at the end. A member whose parameters got no
    gradient in this backward (another update phase) is left out.

    The logged learning rates are ``<member>.lr``, the logged gradient norms
    ``<member>.grad_norm``. A list of schedulers acts on every member; a dict
    ``{member: [...]}`` gives each its own.

    Args:
        **members (OptimWrapper): Optimiser wrappers by name. All of them or
            none are ``AmpOptimWrapper``; ``accumulative_counts`` agree.

    Raises:
        ValueError: If there is no member, only some members use mixed
            precision, or the members disagree in ``accumulative_counts`` or
            in a setting of mixed precision.
    """

    def __init__(self, **members: OptimWrapper) -> None:
        if not members:
            raise ValueError(
                'optim_wrapper has no member; give at least '
                "segmentor=dict(type='OptimWrapper', optimizer=dict(...))"
            )
        super().__init__(**members)
        self.leader = next(iter(members.values()))
        self._check_equal(
            'accumulative_counts',
            {name: accumulative_counts(m) for name, m in members.items()},
        )
        self._share_scaler()
        for name, member in members.items():
            if member.clip_grad_kwargs:
                member.grad_name = f'{name}.{member.grad_name}'

    @staticmethod
    def _check_equal(key: str, values: dict[str, object]) -> None:
        first = next(iter(values.values()))
        if any(value != first for value in values.values()):
            raise ValueError(
                f'optim_wrapper: one backward pass serves all members, so '
                f'{key} has to be the same for each; got {values}'
            )

    def _share_scaler(self) -> None:
        members = self.optim_wrappers
        amp = {n: isinstance(m, AmpOptimWrapper) for n, m in members.items()}
        self._check_equal('the use of AmpOptimWrapper', amp)
        self.loss_scaler = None
        if not amp[next(iter(amp))]:
            return
        self._check_equal(
            'dtype', {n: m.cast_dtype for n, m in members.items()}
        )
        self._check_equal(
            'loss_scale',
            {n: m.loss_scaler.state_dict() for n, m in members.items()},
        )
        self.loss_scaler = self.leader.loss_scaler
        for member in members.values():
            member.loss_scaler = self.loss_scaler

    def initialize_count_status(
        self, model: nn.Module, init_counts: int, max_counts: int
    ) -> None:
        """Start the counting of backward passes (gradient accumulation)."""
        self.leader.initialize_count_status(model, init_counts, max_counts)

    def should_update(self) -> bool:
        """Return whether the optimisers step after the last backward."""
        return self.leader.should_update()

    def should_sync(self) -> bool:
        """Return whether the next backward synchronises gradients."""
        return self.leader.should_sync()

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Divide the loss by the number of accumulated passes."""
        return self.leader.scale_loss(loss)

    @property
    def inner_count(self) -> int:
        """int: Number of backward passes so far."""
        return self.leader.inner_count

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast and gradient-sync context of the shared forward."""
        with self.leader.optim_context(model):
            yield

    def update_params(
        self,
        loss: Tensor,
        step_kwargs: dict | None = None,
        zero_kwargs: dict | None = None,
    ) -> None:
        """Back-propagate a loss and, if it is time, step every member.

        Args:
            loss (Tensor): Scalar, the sum of the losses of all members.
            step_kwargs (dict, optional): Given to each ``Optimizer.step``.
            zero_kwargs (dict, optional): Given to each
                ``Optimizer.zero_grad``.
        """
        self.backward(self.scale_loss(loss))
        if self.should_update():
            self.step(**(step_kwargs or {}))
            self.zero_grad(**(zero_kwargs or {}))

    def backward(self, loss: Tensor, **kwargs: object) -> None:
        """Back-propagate once (scaled once under mixed precision)."""
        self.leader.backward(loss, **kwargs)

    def zero_grad(self, **kwargs: object) -> None:
        """Clear the gradients of every member."""
        for member in self.values():
            member.zero_grad(**kwargs)

    def step(self, **kwargs: object) -> None:
        """Clip and step every member; update the scale once."""
        if self.loss_scaler is None:
            for member in self.values():
                member.step(**kwargs)
            return
        active = [m for m in self.values() if _has_gradient(m.optimizer)]
        for member in active:
            if member.clip_grad_kwargs:
                self.loss_scaler.unscale_(member.optimizer)
                member._clip_grad()
        for member in active:
            self.loss_scaler.step(member.optimizer, **kwargs)
        self.loss_scaler.update(self.leader._scale_update_param)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load the state of every member (and of the shared scaler).

        Raises:
            ValueError: If the checkpoint's members are not the config's.
        """
        if set(state_dict) != set(self.keys()):
            raise ValueError(
                f'the checkpoint holds optimisers for {sorted(state_dict)}, '
                f'the config has {sorted(self.keys())}; resume with the '
                'config of the run, or start anew with load_from'
            )
        super().load_state_dict(state_dict)


def _has_gradient(optimizer: torch.optim.Optimizer) -> bool:
    return any(
        param.grad is not None
        for group in optimizer.param_groups
        for param in group['params']
    )
