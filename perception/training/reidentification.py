"""The network that tells people apart: crops of the simulator's people to an ONNX file.

A network of 0.2 M parameters gives each crop of 64 x 32 px a unit vector; those of one person are
to lie closer together than those of two, by the supervised contrastive loss, half over a batch of
scenes, half within each scene, where light and ground tell nobody apart. Light (down to an
eighth), white balance, contrast, saturation, black and white, noise, resolution and something in
front vary by scene and by picture; channels change places, for there are more colours in the world
than in a palette.

Needs torch. Sources: P. Khosla et al., "Supervised contrastive learning", NeurIPS 2020; pooling by
horizontal stripes, Y. Sun et al., "Beyond part models", ECCV 2018.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from perception.identify.features import DIMENSIONS, SIZE
from perception.training import crops
from perception.training.crops import MARGIN, Crops
from perception.training.export import halve

Progress = Callable[[str, int, int], None]
Batch = tuple[Tensor, Tensor, Tensor]

_CHANNELS, _STRIDES = (24, 32, 48, 64, 96, 96), (2, 1, 2, 1, 2, 1)
_STRIPES = 4
_SCENES, _LOOKS = 4, 5  # of a batch: scenes, and pictures of each person
_TEMPERATURE = 0.1
_RATE, _DECAY = 2e-3, 5e-4


class Network(nn.Module):
    """Crops (n, 3, 64, 32), RGB 0 to 1, to unit vectors (n, 64)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in zip(_CHANNELS, _STRIDES, strict=True):
            layers += [
                nn.Conv2d(before, channels, 3, stride, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            before = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(before * _STRIPES, DIMENSIONS)
        self.bn = nn.BatchNorm1d(DIMENSIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Unit vectors of crops."""
        x = self.body(x)
        x = x.reshape(x.shape[0], x.shape[1], _STRIPES, -1).mean(3).flatten(1)
        return functional.normalize(self.bn(self.head(x)), dim=1)


def build(
    folder: Path,
    progress: Progress = lambda what, done, total: None,
    *,
    scenes: int = 94,
    steps: int = 3400,
    seed: int = 0,
) -> Path:
    """Render, train and export.

    Args:
        folder: for the crops and the network.
        progress: what is being done, steps done and in all.
        scenes: of eight people each.
        steps: of the training.
        seed: of the training; that of a scene is its number.

    Returns:
        ``looks.onnx``, in the folder.
    """
    data = crops.make(folder / "crops", scenes, progress=progress)
    network = train(data, steps, seed, lambda done, all_: progress("training", done, all_))
    about = {
        "description": "tells people apart: trained by cinempc",
        "data": f"{scenes} scenes rendered by cinempc's simulator",
        "seed": str(seed),
        "license": "Apache-2.0",
    }
    return export(network, folder / "looks.onnx", about)


def train(
    data: Sequence[Crops],
    steps: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Network:
    """A network from crops of at least four scenes; AdamW, one cycle.

    Raises:
        ValueError: fewer scenes.
    """
    if len(data) < _SCENES:
        raise ValueError(f"a batch takes {_SCENES} scenes, there are {len(data)}")
    torch.manual_seed(seed)
    network = Network().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=steps, pct_start=0.1
    )
    batches = DataLoader(_Batches(data, steps, seed), batch_size=None, num_workers=1)
    for step, (images, who, scene) in enumerate(batches, 1):
        with torch.autocast("cpu", torch.bfloat16):
            vectors = network(images.contiguous(memory_format=torch.channels_last))
        vectors = functional.normalize(vectors.float(), dim=1)
        within = [contrast(vectors[scene == s], who[scene == s]) for s in range(_SCENES)]
        loss = 0.5 * contrast(vectors, who) + 0.5 * torch.stack(within).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress(step, steps)
    return network.eval()


def contrast(vectors: Tensor, who: Tensor) -> Tensor:
    """The supervised contrastive loss of unit vectors (n, d) of people (n,)."""
    self_ = torch.eye(len(who), dtype=torch.bool)
    alike = (vectors @ vectors.T / _TEMPERATURE).masked_fill(self_, -1e9)
    likely = alike - torch.logsumexp(alike, 1, keepdim=True)
    mates = (who[:, None] == who[None]) & ~self_
    return -(likely * mates).sum(1).div(mates.sum(1).clamp(min=1)).mean()


class _Batches(IterableDataset[Batch]):
    """Varied pictures, the numbers of their people, and of their scenes in the batch."""

    def __init__(self, data: Sequence[Crops], steps: int, seed: int) -> None:
        self.data, self.steps, self.seed = data, steps, seed

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        random, generator = np.random.default_rng(self.seed), torch.Generator()
        generator.manual_seed(self.seed)
        for _ in range(self.steps):
            images, who, scene = [], [], []
            chosen = random.choice(len(self.data), _SCENES, replace=False)
            for number, each in enumerate(self.data[k] for k in chosen):
                for person in np.unique(each.who):
                    rows = np.flatnonzero(each.who == person)
                    if len(rows) < 3:
                        continue
                    rows = random.choice(rows, min(_LOOKS, len(rows)), replace=False)
                    images.append(each.images[rows])
                    who += [100 * number + int(person)] * len(rows)
                    scene += [number] * len(rows)
            stack = torch.from_numpy(np.concatenate(images)).permute(0, 3, 1, 2)
            scenes = torch.tensor(scene)
            yield vary(stack, scenes, generator), torch.tensor(who), scenes


def vary(images: Tensor, scene: Tensor, generator: torch.Generator) -> Tensor:
    """Crops as a detector and a camera could have given them.

    Args:
        images: (n, 3, 168, 96) RGB uint8, with their margin.
        scene: (n,) 0, 1, …: what is taken in the same light.
        generator: draws.

    Returns:
        (n, 3, 64, 32), 0 to 1.
    """
    n, scenes = len(images), int(scene.max()) + 1

    def even(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def each(values: Tensor) -> Tensor:
        return values.reshape(n, -1, 1, 1)

    wide, high = SIZE
    place = torch.zeros(n, 2, 3)
    side = torch.where(even(n) < 0.5, -1.0, 1.0)
    place[:, 0, 0] = side / MARGIN[0] * (1 + 0.08 * normal(n)).clamp(0.8, 1.25)
    place[:, 1, 1] = 1 / MARGIN[1] * (1 + 0.04 * normal(n)).clamp(0.88, 1.15)
    place[:, 0, 2], place[:, 1, 2] = 0.06 * normal(n), 0.03 * normal(n)
    grid = functional.affine_grid(place, [n, 3, 2 * high, 2 * wide], align_corners=False)
    x = functional.grid_sample(
        images.float() / 255, grid, align_corners=False, padding_mode="border"
    )
    x = functional.avg_pool2d(x, 2)
    far = even(n) < 0.3
    if far.any():
        small = functional.avg_pool2d(x[far], 2)
        x[far] = functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    for s in torch.where(even(scenes) < 0.35)[0].tolist():
        here = scene == s
        x[here] = x[here][:, torch.randperm(3, generator=generator)]
    saturation = torch.where(even(scenes) < 0.3, 1.3 * even(scenes), torch.ones(scenes))
    grey = x.mean(1, keepdim=True)
    x = (grey + (x - grey) * each(saturation[scene])).clamp(0, 1)
    stops = torch.where(even(scenes) < 0.3, -2.9 * even(scenes), 0.35 * normal(scenes))
    cast = torch.exp(0.12 * normal(scenes, 3)[scene] + 0.03 * normal(n, 3))
    light = x**2.2 * each(2 ** (stops[scene] + 0.2 * normal(n))) * each(cast)
    x = light.clamp(0, 1) ** (1 / 2.2)
    x = 0.5 + (x - 0.5) * each((1 + 0.12 * normal(scenes))[scene])
    luma = (x * torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]).sum(1, keepdim=True)
    x = torch.where(each((even(scenes) < 0.25)[scene]), luma.expand(-1, 3, -1, -1), x)
    x = x + each(0.02 * even(n)) * normal(*x.shape)
    for k in torch.where(even(n) < 0.2)[0].tolist():
        tall, broad = int(8 + 16 * even(1)), int(6 + 10 * even(1))
        top, left = int(even(1) * (high - tall)), int(even(1) * (wide - broad))
        x[k, :, top : top + tall, left : left + broad] = even(3, 1, 1)
    return x.clamp(0, 1)


def export(network: Network, target: Path, about: dict[str, str]) -> Path:
    """Write ONNX, weights as half floats, any number of crops at once.

    Args:
        network: trained.
        target: where the file goes; replaced when all of it is written.
        about: metadata: data, seed, licence.
    """
    part = target.with_suffix(".part")
    torch.onnx.export(
        network.eval().to(memory_format=torch.contiguous_format),
        (torch.zeros(2, 3, SIZE[1], SIZE[0]),),
        part,
        input_names=["crops"],
        output_names=["vectors"],
        dynamic_axes={"crops": {0: "n"}, "vectors": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(part)
    halve(model)
    for key, value in about.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, part)
    os.replace(part, target)
    return target
