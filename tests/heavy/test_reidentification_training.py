"""The network that tells people apart: crops, a few steps, and ONNX that says what torch does."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from perception.identify.features import DIMENSIONS, SIZE, measure_features  # noqa: E402
from perception.training import crops  # noqa: E402
from perception.training.crops import CROP, Crops  # noqa: E402
from perception.training.reidentification import contrast, export, train, vary  # noqa: E402

pytestmark = pytest.mark.heavy


def people(count: int = 3, looks: int = 4, seed: int = 0) -> Crops:
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(count), looks)
    colours = random.integers(0, 256, (count, 2, 3))
    halves = np.repeat(colours[who], CROP[1] // 2, axis=1)[:, :, None]
    images = halves + random.normal(0, 5, (len(who), CROP[1], CROP[0], 3))
    return Crops(np.clip(images, 0, 255).astype(np.uint8), who)


def test_a_few_steps_make_a_network_and_its_onnx_file_says_the_same(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    scenes = [people(seed=k) for k in range(4)]
    network = train(scenes, steps=3, progress=lambda step, steps: done.append((step, steps)))
    assert done == [(1, 3), (2, 3), (3, 3)]
    file = export(network, tmp_path / "looks.onnx", {"license": "Apache-2.0"})
    assert file.stat().st_size < 500_000
    image = np.random.default_rng(0).integers(0, 256, (80, 40, 3), dtype=np.uint8)
    box = np.array([[4.0, 4, 4 + SIZE[0], 4 + SIZE[1]]])
    vector = measure_features(image, box, file)[0]
    assert vector.shape == (DIMENSIONS,)
    crop = image[4 : 4 + SIZE[1], 4 : 4 + SIZE[0]].transpose(2, 0, 1)[None].astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(crop / 255))[0].numpy()
    assert float(vector @ expected) > 0.99


def test_training_wants_as_many_scenes_as_a_batch_has() -> None:
    with pytest.raises(ValueError, match="4 scenes"):
        train([people()], steps=1)


def test_the_loss_falls_where_people_come_apart() -> None:
    who = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    mixed = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]])
    assert contrast(apart, who) < 0.01 < contrast(mixed, who)


def test_varied_crops_are_pictures_and_the_same_for_a_seed() -> None:
    images = torch.from_numpy(people().images).permute(0, 3, 1, 2)
    scene = torch.zeros(len(images), dtype=torch.int64)
    one, other = (vary(images, scene, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.shape == (len(images), 3, SIZE[1], SIZE[0])
    assert torch.equal(one, other)
    assert 0 <= float(one.min()) <= float(one.max()) <= 1


@pytest.mark.slow
def test_crops_of_a_scene_are_kept(tmp_path: Path) -> None:
    (made,) = crops.make(tmp_path, 1, pictures=2, workers=1)
    assert made.images.shape[1:] == (CROP[1], CROP[0], 3)
    assert len(made.images) == len(made.who) >= 4
    changed = tmp_path / "0000.npz"
    before = changed.stat().st_mtime_ns
    (again,) = crops.make(tmp_path, 1, pictures=2, workers=1)
    assert changed.stat().st_mtime_ns == before
    np.testing.assert_array_equal(again.images, made.images)
