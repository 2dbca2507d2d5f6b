"""Collages: what the labels say is where the picture shows it."""

from pathlib import Path

import cv2
import numpy as np

from perception.training import collage

WIDE, HIGH = 320, 240


def person(left: float, top: float) -> str:
    """A label of somebody 40 px wide and 100 high, whose keypoints stand in two columns."""
    points = [(left + 10 + 20 * (k % 2), top + 6 + 5.5 * k) for k in range(17)]
    numbers = [(left + 20) / WIDE, (top + 50) / HIGH, 40 / WIDE, 100 / HIGH]
    for u, v in points:
        numbers += [u / WIDE, v / HIGH, 2]
    return " ".join(["0", *map(str, numbers)]) + "\n"


def data(folder: Path) -> Path:
    """Pictures in which people are white, their keypoints black, and all else is blue."""
    pictures, labels = folder / "images" / "train", folder / "labels" / "train"
    pictures.mkdir(parents=True)
    labels.mkdir(parents=True)
    for number, (left, top) in enumerate([(20, 20), (140, 100), (270, 60)]):
        image = np.full((HIGH, WIDE, 3), (200, 0, 0), np.uint8)
        cv2.rectangle(image, (left, top), (left + 40, top + 100), (255, 255, 255), -1)
        for k in range(17):
            at = (left + 10 + 20 * (k % 2), round(top + 6 + 5.5 * k))
            cv2.circle(image, at, 3, (0, 0, 0), -1)
        cv2.imwrite(str(pictures / f"{number}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 98])
        (labels / f"{number}.txt").write_text(person(left, top))
    return pictures


def test_labels_fit_the_collage(tmp_path: Path) -> None:
    told = []
    collage.make(tmp_path, data(tmp_path), 12, 3, lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)
    people = points = 0
    for number in range(12):
        image = cv2.imread(str(tmp_path / "images" / "collage" / f"{number:05d}.jpg"))
        assert image.shape == (collage.SIDE, collage.SIDE, 3)
        text = (tmp_path / "labels" / "collage" / f"{number:05d}.txt").read_text()
        shown = image[:, :, 2] > 128
        told_of = np.zeros(shown.shape, bool)
        for line in text.splitlines():
            numbers = np.array([float(n) for n in line.split()])
            assert len(numbers) == 56
            assert (numbers[1:] >= 0).all()
            centre, size = numbers[1:3] * collage.SIDE, numbers[3:5] * collage.SIDE
            (left, top), (right, bottom) = centre - size / 2, centre + size / 2
            assert min(left, top) >= -0.5
            assert max(right, bottom) <= collage.SIDE + 0.5
            told_of[round(top) : round(bottom) + 1, round(left) : round(right) + 1] = True
            people += 1
            for u, v, state in numbers[5:].reshape(-1, 3) * [collage.SIDE, collage.SIDE, 1]:
                if state and 2 < u < collage.SIDE - 3 and 2 < v < collage.SIDE - 3:
                    patch = image[round(v) - 1 : round(v) + 2, round(u) - 1 : round(u) + 2]
                    assert patch.min() < 150  # a dot, and not the white around it
                    points += 1
        # Nearly all white is somebody's: an eighth of a person may be without a label.
        assert (shown & ~told_of).sum() < 0.05 * max(1, shown.sum()) + 400
    assert people > 40
    assert points > 200


def test_a_collage_is_the_same_for_its_seed_and_is_kept(tmp_path: Path) -> None:
    pictures = data(tmp_path)
    collage.make(tmp_path, pictures, 3, 5)
    folder = tmp_path / "labels" / "collage"
    first = [p.read_bytes() for p in sorted(folder.iterdir())]
    (folder / "00001.txt").unlink()
    (folder / "00002.txt").write_text("kept\n")
    collage.make(tmp_path, pictures, 3, 5)
    again = [p.read_bytes() for p in sorted(folder.iterdir())]
    assert again == [first[0], first[1], b"kept\n"]


def test_without_people_there_are_no_collages(tmp_path: Path) -> None:
    pictures = data(tmp_path)
    for label in (tmp_path / "labels" / "train").iterdir():
        label.write_text("")
    collage.make(tmp_path, pictures, 3, 5)
    assert list((tmp_path / "images" / "collage").iterdir()) == []
