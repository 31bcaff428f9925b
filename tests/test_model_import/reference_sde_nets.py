# SPDX-License-Identifier: Apache-2.0
"""Forward passes of SDE's networks, from the sheet's formulas (§4).

They read weights by their published names and share nothing with the suite.
"""

import torch
import torch.nn.functional as F
from reference_nets import batch_norm, conv

RESNET101 = (3, 4, 23, 3)
RESNET50 = (3, 4, 6, 3)
AFTER = {4: 2, 3: 5, 2: 8, 1: 11, 0: 13}
BEFORE = {3: 3, 2: 6, 1: 9, 0: 12}


def encoder(state, x, blocks=RESNET101, dilated=True, root='encoder.'):
    """Five levels; torchvision's blocks, stride on the 3x3 convolution."""
    x = (x - 0.45) / 0.225
    x = conv(state, f'{root}conv1', x, stride=2, padding=3)
    x = F.relu(batch_norm(state, f'{root}bn1', x))
    levels = [x]
    x = F.max_pool2d(x, 3, 2, 1)
    for number, count in enumerate(blocks, 1):
        for block in range(count):
            name = f'{root}layer{number}.{block}'
            stride = 2 if number > 1 and block == 0 else 1
            dilation = 1
            if number == 4 and dilated:
                stride, dilation = 1, 1 if block == 0 else 2
            x = _block(state, name, x, stride, dilation)
        levels.append(x)
    return levels


def _block(state, name, x, stride, dilation):
    deep = f'{name}.conv3.weight' in state
    where = dict(stride=stride, padding=dilation, dilation=dilation)
    convs = [{}, where, {}] if deep else [where, dict(padding=1)]
    y = x
    for i, how in enumerate(convs, 1):
        y = conv(state, f'{name}.conv{i}', y, **how)
        y = batch_norm(state, f'{name}.bn{i}', y)
        y = F.relu(y) if i < len(convs) else y
    if f'{name}.downsample.0.weight' in state:
        x = conv(state, f'{name}.downsample.0', x, stride=stride)
        x = batch_norm(state, f'{name}.downsample.1', x)
    return F.relu(x + y)


def _conv3x3(state, name, x):
    return conv(state, name, F.pad(x, (1, 1, 1, 1), mode='reflect'))


def _conv_block(state, name, x):
    x = _conv3x3(state, f'{name}.block.0.conv', x)
    if f'{name}.block.1.weight' in state:
        x = batch_norm(state, f'{name}.block.1', x)
    return F.elu(x)


def _aspp(state, root, x, rates):
    parts = []
    for i, rate in enumerate((1, *rates)):
        padding = 0 if i == 0 else rate
        y = conv(
            state, f'{root}.convs.{i}.0', x, padding=padding, dilation=rate
        )
        parts.append(F.relu(batch_norm(state, f'{root}.convs.{i}.1', y)))
    y = conv(state, f'{root}.convs.4.1', x.mean((2, 3), keepdim=True))
    y = F.relu(batch_norm(state, f'{root}.convs.4.2', y))
    parts.append(
        F.interpolate(
            y, size=x.shape[-2:], mode='bilinear', align_corners=False
        )
    )
    y = conv(state, f'{root}.project.0', torch.cat(parts, 1))
    return F.relu(batch_norm(state, f'{root}.project.1', y))


def step(state, root, i, x, features, rates):
    """("upconv", i)."""
    name = f'{root}decoder.'
    if i == 4:
        x = _aspp(state, f'{name}0', x, rates)
    else:
        x = _conv_block(state, f'{name}{BEFORE[i]}', x)
    if i == 0 or x.shape[-1] < features[i - 1].shape[-1]:
        x = F.interpolate(x, scale_factor=2, mode='nearest')
    if i > 0:
        x = torch.cat([x, features[i - 1]], 1)
    return _conv_block(state, f'{name}{AFTER[i]}', x)


def disparity(state, root, s, x):
    return torch.sigmoid(_conv3x3(state, f'{root}decoder.{14 + s}.conv', x))


def depth(state, features, rates, root=''):
    """(upconv 0, scale -> disparity)."""
    x, disparities = features[-1], {}
    for i in (4, 3, 2, 1, 0):
        x = step(state, root, i, x, features, rates)
        if i < 4:
            disparities[i] = disparity(state, root, i, x)
    return x, disparities


def joint(state, features, rates):
    x, _ = depth(state, features, rates, 'unet_dec.')
    return conv(state, 'head.2', conv(state, 'project.seg9.0', x))


def _attention(state, name, x):
    gate = torch.sigmoid(conv(state, f'{name}.attention', x, padding=1))
    return conv(state, f'{name}.conv', x, padding=1) * gate


def pad(state, features, rates):
    """(final, intermediate logits, scale -> disparity)."""
    z_s = z_d = features[-1]
    disparities = {}
    for i in (4, 3, 2, 1, 0):
        z_d = step(state, 'depth_dec.', i, z_d, features, rates)
        z_s = step(state, 'seg_dec.', i, z_s, features, rates)
        if i < 4:
            disparities[i] = disparity(state, 'depth_dec.', i, z_d)
        if i == 2:
            intermediate = conv(state, 'seg_intermediate_head.0', z_s)
            z_s, z_d = (
                z_s + _attention(state, 'sa_depth', z_d),
                z_d + _attention(state, 'sa_seg', z_s),
            )
    return conv(state, 'seg_final_head.0', z_s), intermediate, disparities


def pose(encoder_state, state, first, second):
    """Axis-angle and translation of frames in temporal order, (N, 6)."""
    frames = torch.cat([first, second], 1)
    features = encoder(encoder_state, frames, (2, 2, 2, 2), dilated=False)
    x = F.relu(conv(state, 'net.0', features[-1]))
    for i in (1, 2):
        x = F.relu(conv(state, f'net.{i}', x, padding=1))
    x = 0.01 * conv(state, 'net.3', x).mean((2, 3))
    return x.view(-1, 2, 1, 6)[:, 0, 0]
