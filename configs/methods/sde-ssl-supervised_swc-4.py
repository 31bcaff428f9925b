# SPDX-License-Identifier: Apache-2.0
# Supervised on 4 of 200 labels: the floor of the semi-supervised rows.
_base_ = './sde-ssl-supervised_swc-8.py'
labels = 'fraction:1/50:seed42'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
        ]
    )
)
