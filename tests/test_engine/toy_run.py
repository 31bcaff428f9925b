# SPDX-License-Identifier: Apache-2.0
"""A tiny two-branch method and its Runner, shared by the engine's tests.

Started as a program (by the two-process tests) it is one process of a gloo
group and writes what it found to the folder it is given.
"""

import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.runner import Runner
from torch import nn

from mmseg_da.engine import (
    ArtifactStore,
    FusedEMA,
    UDADistributedDataParallel,
    prepare_launcher,
    run_update_phases,
)
from mmseg_da.uda.hooks import IterationSeedHook, TargetBNHook

PHASES = {'first': ('source',), 'second': ('target',)}


class Images(torch.utils.data.Dataset):
    """``length`` deterministic images, as branches or plain."""

    def __init__(self, length=16, plain=False):
        generator = torch.Generator().manual_seed(7)
        self.images = torch.randn(length, 3, 4, 4, generator=generator)
        self.plain = plain

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        if self.plain:
            return {'inputs': image + 2, 'data_samples': index}
        return {
            'inputs': {'source': image, 'target': image * 3 + 1},
            'data_samples': {'source': index, 'target': index},
        }


class Stack(BaseDataPreprocessor):
    def forward(self, data, training=False):
        inputs = data['inputs']
        if isinstance(inputs, dict):
            inputs = {k: torch.stack(v).to(DTYPE) for k, v in inputs.items()}
        else:
            inputs = torch.stack(inputs).to(DTYPE)
        return {'inputs': inputs, 'data_samples': data['data_samples']}


DTYPE = torch.float64


class Segmentor(nn.Module):
    """Conv, BatchNorm, conv, with dropout before each; a norm at rest."""

    def __init__(self, norm=True, dropout=0.5):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.decode_head = nn.Conv2d(4, 2, 1)
        self.auxiliary = nn.BatchNorm2d(4, affine=False) if norm else None

    def forward(self, inputs, data_samples=None, mode='tensor'):
        x = self.norm(self.conv(self.dropout(inputs))).tanh()
        return self.decode_head(self.dropout(x))


class Toy(BaseModel):
    """Source loss, target loss, and a discriminator on the target."""

    def __init__(self, norm=True, dropout=0.5, phases=None, teacher=None):
        super().__init__(Stack())
        torch.manual_seed(0)
        self.segmentor = Segmentor(norm, dropout)
        self.discriminators = nn.ModuleDict({'main': nn.Conv2d(2, 1, 1)})
        self.update_phases = phases or {}
        if teacher:
            self.teacher = FusedEMA(self.segmentor, **teacher)
        self.to(DTYPE)

    def init_weights(self):
        """The weights of the constructor stay."""

    def train_step(self, data, optim_wrapper):
        data = self.data_preprocessor(data, True)
        return run_update_phases(
            self, self.update_phases, data, optim_wrapper, self.parse_losses
        )

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode != 'loss':
            return [float(self.segmentor(inputs).mean())] * len(inputs)
        losses = {}
        if 'source' in inputs:
            out = self.segmentor(inputs['source'])
            losses['source.loss_ce'] = (out - 1).square().mean()
        if 'target' in inputs:
            out = self.segmentor(inputs['target'])
            losses['target.loss_ent'] = out.square().mean()
        # Both phases use every parameter, as plain DDP wants it.
        critic = self.discriminators['main'](out.detach())
        losses['adv.loss_dis'] = (critic - 1).square().mean()
        return losses


def optimizers(**options):
    """Config of two members."""
    member = dict(
        type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9)
    )
    member.update(options)
    return dict(
        constructor='JointOptimWrapperConstructor',
        segmentor=dict(member),
        discriminators=dict(
            type='OptimWrapper', optimizer=dict(type='Adam', lr=0.01)
        )
        | options,
    )


def target_bn(**options):
    loader = dict(dataset=Images(13, plain=True), batch_size=3, num_workers=0)
    return TargetBNHook(loader, **{'num_images': 12, **options})


class Seen(BaseMetric):
    """Count predictions."""

    def process(self, data_batch, data_samples):
        self.results.extend(data_samples)

    def compute_metrics(self, results):
        return {'seen': float(len(results))}


def make_runner(
    work_dir,
    model,
    max_iters=6,
    batch_size=2,
    hooks=(),
    optim_wrapper=None,
    val_interval=None,
    cfg=None,
    **options,
):
    """A Runner on the toy method; runs nothing."""
    data = Images()
    if val_interval:
        options.update(
            val_dataloader=dict(
                dataset=Images(4, plain=True),
                sampler=dict(type='DefaultSampler', shuffle=False),
                batch_size=2,
                num_workers=0,
            ),
            val_cfg=dict(type='ValLoop'),
            val_evaluator=[Seen()],
        )
    name = f'{Path(work_dir).name}_{make_runner.count}'
    make_runner.count += 1
    options.setdefault('randomness', dict(seed=3))
    return Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=data,
            sampler=dict(type='InfiniteSampler', shuffle=False),
            batch_size=batch_size,
            num_workers=0,
        ),
        train_cfg=dict(
            type='IterBasedTrainLoop',
            max_iters=max_iters,
            val_interval=val_interval or 1000,
        ),
        optim_wrapper=optim_wrapper or optimizers(),
        param_scheduler=[
            dict(type='PolyLR', power=0.9, end=11, by_epoch=False)
        ],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=3, by_epoch=False),
        ),
        custom_hooks=[IterationSeedHook(), *hooks],
        log_processor=dict(by_epoch=False),
        log_level='ERROR',
        default_scope='mmseg',
        experiment_name=name,
        cfg=cfg,
        **options,
    )


make_runner.count = 0


def write_artifact(root, rank, world):
    """Every process writes its share; one item is made by both."""
    store = ArtifactStore(root)
    with store.writer('flow', 'pairs', {'code': 'v1'}) as writer:
        for item in ['shared', *(f'i{n}' for n in range(rank, 5, world))]:
            writer.write(item, {f'{item}.bin': item.encode()})


def main(folder):
    """Train in phases, estimate BatchNorm, write an artefact."""
    cfg = Config(dict())
    prepare_launcher(cfg, 'pytorch')
    rank = torch.distributed.get_rank()
    model = Toy(norm=False, dropout=0.0, phases=PHASES)
    runner = make_runner(
        folder / 'run', model, max_iters=3, cfg=cfg, launcher=cfg.launcher
    )
    assert isinstance(runner.model, UDADistributedDataParallel)
    runner.train()
    normed = make_runner(folder / 'bn', Toy(), launcher='pytorch', cfg=cfg)
    target_bn().estimate(normed)
    write_artifact(folder / 'store', rank, 2)
    result = {
        'weights': model.state_dict(),
        'norm': normed.model.module.state_dict(),
    }
    torch.save(result, folder / f'rank{rank}.pth')


if __name__ == '__main__':
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
