# SPDX-License-Identifier: Apache-2.0
"""What each part of a run believes about the classes, and who disagrees.

A data set, a decode head, a metric and a checkpoint each carry a class view,
class names or only a number of classes. Labels of one view trained into a
head of another are no error for torch as long as the numbers fit, so the
beliefs are compared by name before the first iteration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor, nn

from mmseg_da.datasets.class_views import CLASS_VIEWS
from mmseg_da.datasets.paired_geometry import PairedGeometryDataset

__all__ = [
    'Claim',
    'checkpoint_claims',
    'class_weight_problems',
    'dataset_claims',
    'disagreement',
    'metric_claim',
    'model_claims',
]


@dataclass(frozen=True)
class Claim:
    """What one part of a run says about its classes.

    Attributes:
        where: Config key or name of the part.
        view: Name of its class view, if it has one.
        classes: Its class names, if it knows them.
        count: Its number of classes, if it knows it.
    """

    where: str
    view: str | None = None
    classes: tuple[str, ...] | None = None
    count: int | None = None

    def agrees(self, other: Claim) -> bool:
        """Compare by the most telling thing that both sides know."""
        if self.classes and other.classes:
            return self.classes == other.classes
        if self.view and other.view:
            return self.view == other.view
        if self.count and other.count:
            return self.count == other.count
        return True

    def __str__(self) -> str:
        parts = [f'class_view {self.view!r}'] if self.view else []
        if self.count:
            parts.append(f'{self.count} classes')
        if self.classes and not self.view:
            names = ', '.join(self.classes[:3])
            parts.append(f'({names}{", ..." if self.count > 3 else ""})')
        return f'{self.where}: {" ".join(parts)}'


def _of_meta(where: str, meta: Mapping) -> Claim:
    classes = tuple(meta.get('classes') or ()) or None
    count = len(classes) if classes else None
    return Claim(where, meta.get('class_view'), classes, count)


def dataset_claims(dataset: object, where: str) -> Iterator[Claim]:
    """Claims of a data set; of every member where it holds others.

    Args:
        dataset: The built data set.
        where: Its config key.
    """
    members = getattr(dataset, 'datasets', None)
    if members:
        for index, member in enumerate(members):
            yield from dataset_claims(member, f'{where}.datasets[{index}]')
        return
    if isinstance(dataset, PairedGeometryDataset):
        yield from dataset_claims(dataset.source, f'{where}.source')
        yield from dataset_claims(dataset.target, f'{where}.target')
        return
    meta = getattr(dataset, 'metainfo', None) or {}
    tag = meta.get('dataset_name')
    claim = _of_meta(f'{where} ({tag})' if tag else where, meta)
    if claim.view or claim.classes:
        yield claim


def metric_claim(where: str, view: str | None) -> Claim | None:
    """Claim of a metric that was given a ``class_view``.

    Args:
        where: Its config key.
        view: Its ``class_view``, if any.
    """
    if not view:
        return None
    known = CLASS_VIEWS.get(view)
    classes = known.classes if known else None
    return Claim(where, view, classes, len(classes) if classes else None)


def model_claims(model: nn.Module, where: str = 'model') -> list[Claim]:
    """One claim per decode head, in the order of the modules.

    Heads that do not classify (none of their losses knows class weights,
    e.g. depth heads) and the averaged copy of a teacher claim nothing.

    Args:
        model: The model, possibly wrapped.
        where: Its config key.
    """
    return [
        Claim(f'{where}.{name}.num_classes', count=head.num_classes)
        for name, head in _classifiers(model)
        if not name.startswith('teacher.')
    ]


def _classifiers(model: nn.Module) -> Iterator[tuple[str, BaseDecodeHead]]:
    prefixes = {
        f'{name}.' if name else ''
        for name, module in model.named_modules()
        if isinstance(module, BaseSegmentor)
    }
    for name, module in model.named_modules():
        if (
            isinstance(module, BaseDecodeHead)
            and any(name.startswith(prefix) for prefix in prefixes)
            and any(hasattr(loss, 'class_weight') for loss in _losses(module))
        ):
            yield name, module


def _losses(head: BaseDecodeHead) -> Sequence[nn.Module]:
    losses = head.loss_decode
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]


def class_weight_problems(model: nn.Module, where: str = 'model') -> list[str]:
    """Losses whose number of class weights is not that of their head.

    Args:
        model: The model, possibly wrapped.
        where: Its config key.

    Returns:
        One line per problem.
    """
    problems = []
    for name, head in _classifiers(model):
        for loss in _losses(head):
            weight = getattr(loss, 'class_weight', None)
            if weight is None or len(weight) == head.out_channels:
                continue
            problems.append(
                f'{where}.{name}: {type(loss).__name__}.class_weight has '
                f'{len(weight)} entries, the head has {head.out_channels} '
                'classes; give one weight per class'
            )
    return problems


def checkpoint_claims(
    checkpoint: Mapping, model: nn.Module, where: str
) -> list[Claim]:
    """Claims of a checkpoint: of its metadata and of its decode head.

    Args:
        checkpoint: Content of the file.
        model: The model it is going to be loaded into.
        where: Name of the checkpoint.
    """
    meta = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
    claim = _of_meta(where, {key.lower(): meta[key] for key in meta})
    if claim.view or claim.classes:
        return [claim]
    count = _classifier_width(checkpoint.get('state_dict', checkpoint), model)
    return [Claim(where, count=count)] if count else []


def _classifier_width(
    state: Mapping[str, Tensor], model: nn.Module
) -> int | None:
    """Classes of the stored decode head, read off its last weights."""
    widths = {
        _tail(key): len(value)
        for key, value in state.items()
        if 'decode_head.' in key and getattr(value, 'ndim', 0) == 4
    }
    for name, head in _classifiers(model):
        for key, value in head.state_dict().items():
            stored = widths.get(_tail(f'{name}.{key}'))
            last = value.ndim == 4 and len(value) == head.out_channels
            if last and stored is not None and stored != len(value):
                return stored
    return None


def _tail(key: str) -> str:
    """Key without what wraps the segmentor."""
    return key[key.find('decode_head.') :]


def disagreement(claims: Sequence[Claim]) -> str:
    """Say which parts of a run disagree about the classes.

    Args:
        claims: All parts that know something.

    Returns:
        A message that lists every part, '' if all agree.
    """
    if all(a.agrees(b) for i, a in enumerate(claims) for b in claims[:i]):
        return ''
    lines = ''.join(f'\n  {claim}' for claim in claims)
    return (
        f'the parts of this run disagree about the classes:{lines}\nGive '
        'all data sets and metrics the same class_view, num_classes of every '
        'head its number of classes, and take a checkpoint of that view.'
    )
