# SPDX-License-Identifier: Apache-2.0
"""Parameter groups of networks that start from ImageNet weights."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from mmengine.optim import DefaultOptimWrapperConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

_DEFAULTS = {'new_lr_mult': 10.0, 'bias_lr_mult': 2.0, 'bias_decay_mult': 0.0}


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class NewLayerOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Four groups: pretrained or new layers, weights or biases.

    The Caffe recipe of DeepLab-v2 and FCN-8s, as in SAC (Araslanov & Roth
    2021):

    ====== ================================= ====== ======
    group  content                           lr     decay
    ====== ================================= ====== ======
    0      weights of pretrained layers      1 x    1 x
    1      biases of pretrained layers       2 x    0
    2      weights of new layers             10 x   1 x
    3      biases of new layers              20 x   0
    ====== ================================= ====== ======

    BatchNorm's gamma counts as a weight and its beta as a bias, which
    mmengine's default constructor cannot express. A group without parameters
    is left out. Four groups, not one per tensor: the optimiser's foreach and
    fused updates stay in use.

    .. code-block:: python

        segmentor=dict(
            constructor='NewLayerOptimWrapperConstructor',
            paramwise_cfg=dict(new_layers=['decode_head']),
            optimizer=dict(type='SGD', lr=2.5e-4, weight_decay=5e-4))

    Args:
        optim_wrapper_cfg (dict): ``optimizer`` with ``lr``, and the options
            of the wrapper.
        paramwise_cfg (dict): ``new_layers``, dotted names of the sub-modules
            that do not come from ImageNet (a name covers all below it);
            ``new_lr_mult``, factor of their learning rate (10);
            ``bias_lr_mult`` and ``bias_decay_mult``, factors for biases (2
            and 0).

    Raises:
        ValueError: If a key is unknown, ``new_layers`` or ``optimizer.lr`` is
            missing, or a name covers no trainable parameter.
    """

    def _validate_cfg(self) -> None:
        options = dict(self.paramwise_cfg)
        names = options.pop('new_layers', None)
        if not names or isinstance(names, str):
            raise ValueError(
                f'optim_wrapper.paramwise_cfg.new_layers={names!r}: expected '
                'a list of sub-modules without ImageNet weights, such as '
                "['decode_head']"
            )
        for key in options:
            if key not in _DEFAULTS:
                near = difflib.get_close_matches(key, _DEFAULTS, n=1)
                hint = f'did you mean {near[0]!r}?' if near else ''
                raise ValueError(
                    f'optim_wrapper.paramwise_cfg.{key} is unknown; allowed: '
                    f'new_layers, {", ".join(_DEFAULTS)}. {hint}'.rstrip()
                )
        if self.base_lr is None:
            raise ValueError(
                'optim_wrapper.optimizer.lr is missing: the groups are '
                'multiples of it'
            )

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: bool | None = None,
    ) -> None:
        """Append the groups of a module; mmengine calls it with the model.

        Args:
            params (list[dict]): Groups so far, extended in place.
            module (nn.Module): The module whose trainable parameters are
                sorted.
            prefix (str): Not used, mmengine's signature. Defaults to ''.
            is_dcn_module (bool, optional): Likewise. Defaults to None.
        """
        del prefix, is_dcn_module
        new_layers = list(self.paramwise_cfg['new_layers'])
        members: list[list[nn.Parameter]] = [[], [], [], []]
        unused = set(new_layers)
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            layer = _covering(name, new_layers)
            unused.discard(layer)
            is_bias = name.endswith('bias')
            members[2 * (layer is not None) + is_bias].append(parameter)
        if unused:
            raise ValueError(
                f'optim_wrapper.paramwise_cfg.new_layers: {sorted(unused)} '
                f'cover no trainable parameter of {type(module).__name__}; '
                f'it has {[name for name, _ in module.named_children()]}'
            )
        params += [
            {'params': group, **self._settings(index)}
            for index, group in enumerate(members)
            if group
        ]

    def _settings(self, index: int) -> dict[str, float]:
        """Learning rate and decay of group 0, 1, 2 or 3."""
        options = {**_DEFAULTS, **self.paramwise_cfg}
        is_new, is_bias = divmod(index, 2)
        settings = {
            'lr': self.base_lr
            * (options['new_lr_mult'] if is_new else 1.0)
            * (options['bias_lr_mult'] if is_bias else 1.0)
        }
        if self.base_wd is not None:
            settings['weight_decay'] = self.base_wd * (
                options['bias_decay_mult'] if is_bias else 1.0
            )
        return settings


def _covering(name: str, layers: Sequence[str]) -> str | None:
    """The longest of the layers that a parameter belongs to."""
    found = [layer for layer in layers if name.startswith(f'{layer}.')]
    return max(found, key=len, default=None)
