"""Names of a body's joints and of what its texels show; shared by the baking and the run."""

from __future__ import annotations

_SIDES = ("_l", "_r")

#: Joints in an order in which parents come first.
JOINTS = (
    "pelvis",
    "spine",
    "chest",
    "neck",
    "head",
    *(name + side for side in _SIDES for name in ("clavicle", "upperarm", "forearm", "hand")),
    *(name + side for side in _SIDES for name in ("thigh", "shin", "foot", "toes")),
)


def _parent(joint: str) -> str | None:
    stem, side = (joint[:-2], joint[-2:]) if joint[-2:] in _SIDES else (joint, "")
    return {
        "pelvis": None,
        "spine": "pelvis",
        "chest": "spine",
        "neck": "chest",
        "head": "neck",
        "clavicle": "chest",
        "upperarm": "clavicle" + side,
        "forearm": "upperarm" + side,
        "hand": "forearm" + side,
        "thigh": "pelvis",
        "shin": "thigh" + side,
        "foot": "shin" + side,
        "toes": "foot" + side,
    }[stem]


#: Parent of each joint, None for the root.
PARENTS = tuple(_parent(joint) for joint in JOINTS)

#: What a texel of a body shows; its colour is the actor's.
LABELS = (
    "skin", "lips", "eye", "iris", "pupil", "hair", "shirt", "undershirt", "trousers", "shoes",
    "sole",
)  # fmt: skip
