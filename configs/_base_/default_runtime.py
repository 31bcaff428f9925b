# SPDX-License-Identifier: Apache-2.0
# Importing the plug-in registers it; nothing else does.
custom_imports = dict(imports=['mmseg_da'], allow_failed_imports=False)
default_scope = 'mmseg'
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
randomness = dict(seed=0)
# For TensorBoard append dict(type='TensorboardVisBackend').
visualizer = dict(
    type='SegLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend')],
    name='visualizer',
)
log_processor = dict(by_epoch=False, window_size=50)
log_level = 'INFO'
load_from = None
resume = False
default_hooks = dict(
    # Makes every iteration's randomness a function of (seed, rank,
    # iteration), so that a resumed run is bit-equal to an unbroken one.
    iteration_seed=dict(type='IterationSeedHook'),
    # Data, model, metrics and checkpoint must have the same classes.
    class_view_check=dict(type='ClassViewCheckHook'),
    # Training must not be longer than its polynomial learning rate.
    schedule_check=dict(type='ScheduleCheckHook'),
    # Counts labels without a valid pixel.
    empty_label=dict(type='EmptyLabelHook'),
    # Stops, and saves nothing more, after a loss that is NaN or infinite.
    finite_loss=dict(type='FiniteLossHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=2000, max_keep_ckpts=2
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
tta_model = dict(type='SegTTAModel')
