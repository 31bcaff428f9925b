# SPDX-License-Identifier: Apache-2.0
# AdvEnt: discriminators on self-information maps at two levels.
# Every snapshot is validated; keep all of them for tools/misc/eval_snapshots:
# --cfg-options default_hooks.checkpoint.max_keep_ckpts=-1
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/advent_r101.py',
    '../_base_/datasets/advent_gta2cs.py',
    '../_base_/schedules/advent_250k.py',
]
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1, 1]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train, _base_.target_train],
    ),
)
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
