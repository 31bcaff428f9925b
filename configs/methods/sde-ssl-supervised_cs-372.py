# SPDX-License-Identifier: Apache-2.0
# SDE's network on 372 labels alone (exp. 210, scratch).
_base_ = './sde-ssl-supervised_cs-100.py'
labels = 'cityscapes_sde_ds_us_42.json:372'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
        ]
    )
)
