# SPDX-License-Identifier: Apache-2.0
# slim_sde.py with the 11 classes of CamVid, for crops of 192x192.
_base_ = './slim_sde.py'
# 1 / sqrt(frequency) of CamVid's training labels, mean 1 over pixels.
class_weight = [
    *(0.88, 0.75, 3.62, 0.64, 1.70, 1.15),
    *(3.32, 3.41, 1.49, 4.59, 6.48),
]
model = dict(
    data_preprocessor=dict(data_preprocessor=dict(size=(192, 192))),
    segmentor=dict(
        decode_head=dict(
            num_classes=11, loss_decode=dict(class_weight=class_weight)
        )
    ),
)
