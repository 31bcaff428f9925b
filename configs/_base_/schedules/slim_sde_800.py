# SPDX-License-Identifier: Apache-2.0
# For the paper's batch of 2 per branch; validated at the end only.
_base_ = './slim_800.py'
train_cfg = dict(val_interval=800)
