# SPDX-License-Identifier: Apache-2.0
"""Forward passes of the published networks, from the sheets' formulas.

They read weights by their published names and use torch.nn.functional
alone, so that they share nothing with the suite's modules.
"""

import torch
import torch.nn.functional as F


def batch_norm(state, name, x):
    keys = ('running_mean', 'running_var', 'weight', 'bias')
    return F.batch_norm(x, *(state[f'{name}.{key}'] for key in keys), eps=1e-5)


def conv(state, name, x, **how):
    bias = state.get(f'{name}.bias')
    return F.conv2d(x, state[f'{name}.weight'], bias, **how)


def bottleneck(state, name, x, stride, dilation):
    """Caffe style: the stride is on the first 1x1 convolution."""
    y = conv(state, f'{name}.conv1', x, stride=stride)
    y = F.relu(batch_norm(state, f'{name}.bn1', y))
    y = conv(state, f'{name}.conv2', y, padding=dilation, dilation=dilation)
    y = F.relu(batch_norm(state, f'{name}.bn2', y))
    y = batch_norm(state, f'{name}.bn3', conv(state, f'{name}.conv3', y))
    if f'{name}.downsample.0.weight' in state:
        x = conv(state, f'{name}.downsample.0', x, stride=stride)
        x = batch_norm(state, f'{name}.downsample.1', x)
    return F.relu(x + y)


def resnet101(state, x, root=''):
    """Features of layer3 and layer4."""
    x = conv(state, f'{root}conv1', x, stride=2, padding=3)
    x = F.relu(batch_norm(state, f'{root}bn1', x))
    x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True)
    features = []
    layers = ((3, 1, 1), (4, 2, 1), (23, 1, 2), (3, 1, 4))
    for number, (blocks, stride, dilation) in enumerate(layers, 1):
        for block in range(blocks):
            name = f'{root}layer{number}.{block}'
            x = bottleneck(
                state, name, x, stride if block == 0 else 1, dilation
            )
        features.append(x)
    return features[2:]


def classifier(state, name, x, active=4):
    return sum(
        conv(state, f'{name}.conv2d_list.{i}', x, padding=d, dilation=d)
        for i, d in enumerate((6, 12, 18, 24)[:active])
    )


def advent(state, x, active=4):
    """(aux or None, main) logits."""
    layer3, layer4 = resnet101(state, x)
    aux = None
    if 'layer5.conv2d_list.0.weight' in state:
        aux = classifier(state, 'layer5', layer3, active)
    return aux, classifier(state, 'layer6', layer4, active)


def sac_resnet101(state, x):
    _, layer4 = resnet101(state, x, 'model.')
    return classifier(state, 'model.layer5', layer4)


def vgg_block(state, name, convs, x, dilation=1):
    for index in convs:
        x = conv(
            state, f'{name}.{index}', x, padding=dilation, dilation=dilation
        )
        x = F.relu(batch_norm(state, f'{name}.{index + 1}', x))
    return x


def sac_vgg16(state, x):
    for convs in ((0, 3), (7, 10), (14, 17, 20)):
        x = F.max_pool2d(vgg_block(state, 'features', convs, x), 2, 2)
    x = vgg_block(state, 'features', (24, 27, 30), x)
    x = vgg_block(state, 'features', (33, 36, 39), x, dilation=2)
    for index in (42, 44):
        x = F.relu(conv(state, f'features.{index}', x, padding=4, dilation=4))
    return classifier(state, 'classifier', x)


def sac_vgg16fcn(state, x):
    def twice(score):
        size = [2 * side for side in score.shape[-2:]]
        return F.interpolate(
            score, size=size, mode='bilinear', align_corners=True
        )

    for convs in ((0, 3), (7, 10), (14, 17, 20)):
        x = F.max_pool2d(vgg_block(state, 'block1', convs, x), 2, 2)
    pool3 = x
    pool4 = F.max_pool2d(vgg_block(state, 'block2', (24, 27, 30), x), 2, 2)
    x = F.max_pool2d(vgg_block(state, 'block3', (34, 37, 40), pool4), 2, 2)
    x = conv(state, 'vgg_head.0', x, padding=3)
    x = F.relu(batch_norm(state, 'vgg_head.1', x))
    x = conv(state, 'vgg_head.4', x)
    x = F.relu(batch_norm(state, 'vgg_head.5', x))
    score = twice(conv(state, 'vgg_head.8', x))
    score = twice(score + conv(state, 'score_pool4', pool4))
    return score + conv(state, 'score_pool3', pool3)


def discriminator(state, x, names=('0', '2', '4', '6', '8')):
    for name in names[:-1]:
        x = F.leaky_relu(conv(state, name, x, stride=2, padding=1), 0.2)
    return conv(state, names[-1], x, stride=2, padding=1)


def random_state(table, seed=0, counters=True):
    """Weights that look trained: He convolutions, BatchNorm near 1."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in table.items():
        if key.endswith('num_batches_tracked'):
            if counters:
                state[key] = torch.tensor(7)
            continue
        noise = torch.randn(shape, generator=generator)
        if len(shape) == 4:
            noise *= (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        elif key.endswith('running_var'):
            noise = 1 + 0.3 * noise.tanh()
        elif f'{key.rpartition(".")[0]}.running_var' in table:
            noise = 0.1 * noise + key.endswith('weight')
        state[key] = noise
    return state
