# SPDX-License-Identifier: Apache-2.0
"""Refuse a checkpoint that does not fit the model it is loaded into.

mmengine loads what fits, prints the rest into the log and goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmseg_da.datasets.class_views import CLASS_VIEWS

_SHOWN = 4


class CheckpointGuard(Hook):
    """Check every checkpoint that the Runner loads for a test.

    Put in by ``tools/test.py``, not by configs. It runs after all other
    hooks, which may still change the loaded content.

    Args:
        checkpoint: Name of the file, for messages.
    """

    priority = 'LOWEST'

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare class view, keys and shapes.

        Args:
            runner: The Runner, with its test data set built.
            checkpoint: Content of the file.

        Raises:
            ValueError: Something does not fit; names keys and shapes.
        """
        meta = checkpoint.get('meta') or {}
        trained = meta.get('dataset_meta') or {}
        tested = getattr(runner.test_dataloader.dataset, 'metainfo', {})
        check_views(trained, tested, self.checkpoint)
        model = _unwrapped(runner.model)
        state = checkpoint.get('state_dict', checkpoint)
        check_weights(model, state, self.checkpoint)
        check_branches(model, meta, self.checkpoint)


def check_views(trained: Mapping, tested: Mapping, name: str) -> None:
    """Compare the class view stored in a checkpoint with that of the data.

    Args:
        trained: ``dataset_meta`` of the checkpoint.
        tested: ``metainfo`` of the data set.
        name: Name of the checkpoint.

    Raises:
        ValueError: Both name a class view (or, without one, their classes)
            and they differ.
    """
    for key in ('class_view', 'classes'):
        old, new = trained.get(key), tested.get(key)
        if not (old and new):
            continue
        if key == 'class_view' and not {old, new} & set(CLASS_VIEWS):
            # Own classes: each data set gives its own name to their view.
            continue
        same = old == new if key == 'class_view' else [*old] == [*new]
        if not same:
            raise ValueError(
                f'checkpoint {name!r} was trained with {key}='
                f'{_short(old)}, but the test data of the config has {key}='
                f'{_short(new)}. Test it with a config of its own class '
                'view, or train a model for this one.'
            )
        return


def check_branches(model: nn.Module, meta: Mapping, name: str) -> None:
    """Compare the summed branches of an imported classifier.

    AdaptSegNet's files hold four branches of which its network sums two: all
    keys and shapes fit a network that sums four, and predictions are wrong.

    Args:
        model: The bare model.
        meta: ``meta`` of the checkpoint.
        name: Name of the checkpoint.

    Raises:
        ValueError: ``tools/model_converters/advent.py`` noted another number
            than the decode head sums.
    """
    wanted = (meta.get('imported') or {}).get('num_active_branches')
    head = getattr(model, 'decode_head', None)
    found = getattr(head, 'num_active_branches', wanted)
    if wanted not in (None, found):
        raise ValueError(
            f'checkpoint {name!r}: its classifier sums {wanted} branches, '
            f'that of the config {found}. Set model.segmentor.decode_head.'
            f'num_active_branches={wanted} (and that of auxiliary_head).'
        )


def check_weights(
    model: nn.Module, state: Mapping[str, Tensor], name: str
) -> None:
    """Load weights strictly.

    The model's own key mapping takes part (a wrapper accepts a plain
    ``EncoderDecoder`` checkpoint, which has no discriminators); apart from
    that only ``num_batches_tracked`` may lack.

    Args:
        model: The bare model.
        state: ``state_dict`` of the checkpoint.
        name: Name of the checkpoint.

    Raises:
        ValueError: Keys are missing or left over, or shapes differ.
    """
    state = {re.sub(r'^module\.', '', key): v for key, v in state.items()}
    own = model.state_dict()
    shapes = [
        f'{key}: checkpoint {tuple(state[key].shape)}, '
        f'model {tuple(own[key].shape)}'
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if shapes:
        raise ValueError(
            f'checkpoint {name!r} has other shapes than the model of the '
            f'config:{_listed("different", shapes)}{_advice(shapes)}'
        )
    try:
        result = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        raise ValueError(
            f'checkpoint {name!r} does not fit the model of the config:'
            f'{_listed("problems", lines)}{_advice(lines)}'
        ) from error
    missing = [k for k in result.missing_keys if 'num_batches_' not in k]
    if any(key.startswith('backbone.') for key in state):
        missing = _needed(model, missing)
    left_over = list(result.unexpected_keys)
    if missing or left_over:
        raise ValueError(
            f'checkpoint {name!r} does not fit the model of the config:'
            f'{_listed("missing in the checkpoint", missing)}'
            f'{_listed("not in the model", left_over)}{_advice(left_over)}'
        )


def _needed(model: nn.Module, missing: Sequence[str]) -> list[str]:
    """The missing keys of the network that predicts, of a wrapper."""
    predictor = getattr(model, 'predictor', model)
    if predictor is model:
        return list(missing)
    prefixes = tuple(
        f'{name}.'
        for name, module in model.named_modules()
        if module is predictor
    )
    # A predictor that is built on demand has no name: then all is needed.
    return [k for k in missing if not prefixes or k.startswith(prefixes)]


def _unwrapped(model: nn.Module) -> nn.Module:
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def _listed(title: str, lines: Sequence[str]) -> str:
    """The first few lines below a title with their number."""
    if not lines:
        return ''
    shown = ''.join(f'\n    {line}' for line in lines[:_SHOWN])
    rest = len(lines) - _SHOWN
    more = f'\n    ... and {rest} more' if rest > 0 else ''
    return f'\n  {len(lines)} {title}:{shown}{more}'


def _advice(lines: Sequence[str]) -> str:
    """What to do next, read off the keys."""
    if any(line.startswith(('segmentor.', 'teacher.')) for line in lines):
        return (
            '\nThis is the checkpoint of an adaptation method: test it with '
            "the method's config, or write a plain one with "
            'tools/misc/export_segmentor.py.'
        )
    if any('conv_seg' in line and 'checkpoint' in line for line in lines):
        return (
            '\nThe number of classes differs: test with the config the '
            'checkpoint was trained with (same class view).'
        )
    return '\nTest with the config the checkpoint was trained with.'


def _short(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return repr(value)
    names = ', '.join(value[:3])
    return f'({names}{", ..." if len(value) > 3 else ""}; {len(value)})'
