# SPDX-License-Identifier: Apache-2.0
# SYNTHIA -> Cityscapes as SDE reads them, see sde_gta2cs.py: all 19 classes
# are trained, of which SYNTHIA labels 16. Another place: SYNTHIA_ROOT.
_base_ = './sde_gta2cs.py'
source_root = '{{$SYNTHIA_ROOT:data/synthia}}'
load_source_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$SOURCE_DISPARITY_ROOT:artifacts}}',
    key='{{$SOURCE_DISPARITY_KEY:sde-depth_syn-all-raw16}}',
    encoding='raw16',
    config='sde-depth_syn',
)
source_learned_train = dict(
    _delete_=True,
    type='SynthiaDataset',
    data_root=source_root,
    indices='rest:last:500',
    class_view='cityscapes19',
    pipeline=[
        *_base_.load_labeled,
        _base_.sde_resize,
        load_source_learned,
        *_base_.sde_augment,
        dict(type='MultiBranch', source=[_base_.pack_disparity]),
    ],
)
source_learned_geometry = [
    dict(type='BlankImage', size=_base_.sde_scale),
    load_source_learned,
    *_base_.sde_augment,
]
