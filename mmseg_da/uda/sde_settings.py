# SPDX-License-Identifier: Apache-2.0
"""Settings of SDE's mixes, read from ``model.mixing`` of a config."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from .checks import check_choice, check_number, check_range
from .strong_augment import StrongAugment

DISPARITY_NORMS = ('raw', 'minmax')


@dataclass(frozen=True)
class MixSettings:
    """Settings of both mixes; the paper's by default.

    Args:
        margin: Disparity by which the own pixel may be farther and still
            win, in the unit of the disparities.
        margin_flip_probability: Of a negative margin in the cross-domain
            mix, per pair.
        depth_threshold: Smallest disparity that is pasted in the target mix;
            from a pair (low, high) it is drawn per image.
        source_disparity_norm: 'raw' compares source disparities as they are
            loaded, 'minmax' stretches each crop to [0, 1].
        pseudo_threshold: Confidence that counts for the weight.
        augment: Strong augmentation of the mixed images.

    Raises:
        ValueError: A value outside its range, or an unknown
            ``source_disparity_norm``.
    """

    margin: float = 0.03
    margin_flip_probability: float = 0.5
    depth_threshold: float | Sequence[float] = 0.0
    source_disparity_norm: str = 'raw'
    pseudo_threshold: float = 0.968
    augment: StrongAugment = field(default_factory=StrongAugment)

    def __post_init__(self) -> None:
        for name, low, high in (
            ('margin', -math.inf, math.inf),
            ('margin_flip_probability', 0, 1),
            ('pseudo_threshold', 0, 1),
        ):
            check_number(
                f'model.mixing.{name}', getattr(self, name), low, high
            )
        threshold = self.depth_threshold
        is_range = isinstance(threshold, (list, tuple))
        check = check_range if is_range else check_number
        check('model.mixing.depth_threshold', threshold, 0, math.inf)
        check_choice(
            'model.mixing.source_disparity_norm',
            self.source_disparity_norm,
            DISPARITY_NORMS,
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> MixSettings:
        """Read ``model.mixing`` of a config, with a nested ``augment``.

        Raises:
            ValueError: If a key is unknown.
        """
        options = dict(config or {})
        augment = dict(options.pop('augment', None) or {})
        _check_keys('model.mixing', options, cls)
        _check_keys('model.mixing.augment', augment, StrongAugment)
        return cls(augment=StrongAugment(**augment), **options)


def _check_keys(name: str, options: Mapping[str, Any], kind: type) -> None:
    allowed = [entry.name for entry in fields(kind)]
    unknown = sorted(set(options) - set(allowed))
    if unknown:
        raise ValueError(
            f'{name} has unknown keys {unknown}; allowed: {", ".join(allowed)}'
        )
