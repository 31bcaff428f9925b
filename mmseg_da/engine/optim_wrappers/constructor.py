# SPDX-License-Identifier: Apache-2.0
"""Build one optimiser per named sub-module from a config."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from .joint_optim_wrapper import JointOptimWrapper


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class JointOptimWrapperConstructor:
    """Build an optimiser wrapper per sub-module of the model.

    .. code-block:: python

        optim_wrapper = dict(
            constructor='JointOptimWrapperConstructor',
            segmentor=dict(type='OptimWrapper', optimizer=dict(type='SGD')),
            discriminators=dict(
                type='OptimWrapper', optimizer=dict(type='Adam')))

    Each key is the dotted name of a sub-module; its value is an ordinary
    mmengine ``optim_wrapper`` config with optional ``paramwise_cfg`` and
    ``constructor``, applied to the trainable parameters of that sub-module
    only (frozen ones, such as a teacher's, are never seen by it). Several
    keys give a :class:`JointOptimWrapper`; a single key gives that member
    itself, so that its learning rate is logged as plain ``lr``.

    Args:
        optim_wrapper_cfg (dict): Member name -> member config.
        paramwise_cfg (dict, optional): Must be None; it belongs into a
            member. Defaults to None.

    Raises:
        ValueError: If an entry is not a member config, names no sub-module,
            names one without trainable parameters, or a trainable parameter
            of the model is owned by no member or by two.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        if paramwise_cfg is not None:
            raise ValueError(
                'optim_wrapper.paramwise_cfg does not belong beside the '
                'members; write it into a member, e.g. '
                'optim_wrapper.segmentor.paramwise_cfg'
            )
        members = dict(optim_wrapper_cfg)
        loose = [k for k, v in members.items() if not isinstance(v, dict)]
        loose += [k for k in ('optimizer',) if k in members]
        if loose or not members:
            raise ValueError(
                f'optim_wrapper: {loose or "nothing"} is no member; with '
                'JointOptimWrapperConstructor every key is the name of a '
                'sub-module and every value its optim_wrapper config. Keys '
                'inherited from a base are dropped with _delete_=True.'
            )
        self.members = members

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the wrapper.

        Args:
            model (nn.Module): The model, possibly in a (DDP) wrapper.

        Returns:
            OptimWrapper: The only member, or a :class:`JointOptimWrapper`.
        """
        model = getattr(model, 'module', model)
        modules = {name: _find(model, name) for name in self.members}
        _check_ownership(model, modules)
        built = {}
        for name, cfg in self.members.items():
            with _trainable_only(modules[name]):
                built[name] = build_optim_wrapper(modules[name], cfg)
        if len(built) == 1:
            return next(iter(built.values()))
        return JointOptimWrapper(**built)


def _find(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        children = [key for key, _ in model.named_children()]
        raise ValueError(
            f'optim_wrapper.{name}: {type(model).__name__} has no sub-module '
            f'{name!r}; its children are {children}'
        ) from None


def _check_ownership(model: nn.Module, modules: dict[str, nn.Module]) -> None:
    owner: dict[int, str] = {}
    for name, module in modules.items():
        params = [
            (key, p) for key, p in module.named_parameters() if p.requires_grad
        ]
        if not params:
            raise ValueError(
                f'optim_wrapper.{name}: {name!r} has no trainable parameter; '
                'remove the entry, or unfreeze the sub-module'
            )
        for key, param in params:
            first = owner.setdefault(id(param), name)
            if first != name:
                raise ValueError(
                    f'optim_wrapper: parameter {name}.{key} belongs to two '
                    f'members, {first!r} and {name!r}; use '
                    'paramwise_cfg.custom_keys for other settings of a part'
                )
    orphans = [
        key
        for key, param in model.named_parameters()
        if param.requires_grad and id(param) not in owner
    ]
    if orphans:
        more = f' and {len(orphans) - 3} more' if len(orphans) > 3 else ''
        raise ValueError(
            'optim_wrapper: no member trains the parameters '
            f'{", ".join(orphans[:3])}{more}; add an entry for '
            f'{orphans[0].split(".")[0]!r} (members are {list(modules)}), or '
            'freeze them with requires_grad_(False)'
        )


@contextmanager
def _trainable_only(module: nn.Module) -> Iterator[None]:
    """Hide the frozen parameters of a module for a while.

    mmengine's constructor hands frozen parameters to the optimiser, or warns
    once for each of them when there is a ``paramwise_cfg``.
    """
    hidden = [
        (child, name, param)
        for child in module.modules()
        for name, param in child.named_parameters(recurse=False)
        if not param.requires_grad
    ]
    try:
        for child, name, _ in hidden:
            setattr(child, name, None)
        yield
    finally:
        for child, name, param in hidden:
            setattr(child, name, param)
