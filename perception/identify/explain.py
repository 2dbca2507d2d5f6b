"""Why a subject of the script is nobody yet: who was seen, and what would have matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from perception.identify.appearance import Appearance, match
from perception.identify.binding import Place, SubjectBinding
from perception.identify.colours import COLOURS
from perception.identify.identity import Identity
from perception.identify.query import SubjectQuery

_MOST = 5  # people who are listed
_NAMED = 0.35  # how far a patch must go by a word to be called by it at all
_NEARLY = 0.75  # share of the best word's from which a second one is said too


def explain(name: str, binding: SubjectBinding, identities: Iterable[Identity],
            places: Mapping[int, Place]) -> str:  # fmt: skip
    """Sentences about a subject that is not bound; empty for one that is.

    Args:
        name: the script's.
        binding: after its last `SubjectBinding.bind`.
        identities: everybody remembered.
        places: where they were last, by identity id.
    """
    if name in binding.bound or name not in binding.queries:
        return ""
    query = binding.queries[name]
    category = query.appearance.category
    taken = {number: who for who, number in binding.bound.items()}
    seen = [i for i in identities if i.category == category and i.frames >= binding.settle]
    asked = said(query)
    if not seen:
        return f"{name} is {asked}: no {category} was seen"
    seen.sort(key=lambda i: -binding.fitness(query, i, places.get(i.id, Place())))
    lines = []
    for i in seen[:_MOST]:
        place = places.get(i.id, Place())
        line = ", ".join(part for part in (worn(i.appearance, category), where(place)) if part)
        if i.id in taken:
            line += f" (is {taken[i.id]})"
        elif query.appearance.torso or query.appearance.legs:
            share = 100 * match(query.appearance, i.appearance)
            line += f" (goes by those colours to {share:.0f} %)"
        lines.append(line)
    more = f" and {len(seen) - _MOST} more" if len(seen) > _MOST else ""
    free = [i for i in seen if i.id not in taken]
    hint = ""
    fits = [binding.fitness(query, i, places.get(i.id, Place())) for i in free]
    if len(fits) > 1 and fits[1] > 0 and fits[0] < binding.clearly * fits[1]:
        hint = "; more than one may be meant: a region or near in the script would tell them apart"
    elif free:
        hint = f"; a look that would have matched: {look(free[0].appearance, category)!r}"
    return f"{name} is {asked}; seen were {len(seen)}: {'; '.join(lines)}{more}{hint}"


def said(query: SubjectQuery) -> str:
    """A query in words."""
    colours = [
        f"{' or '.join(words)} {part}"
        for words, part in (
            (query.appearance.torso, "above"),
            (query.appearance.legs, "on the legs"),
        )
        if words
    ]
    words = f"a {query.appearance.category}"
    if colours:
        words += f" in {' and '.join(colours)}"
    if query.region is not None:
        words += " in its region of the picture"
    if query.position is not None:
        words += f" near {query.position[0]:.1f}, {query.position[1]:.1f} m"
    return words


def names(appearance: Appearance, part: int) -> list[str]:
    """The words, one or two, that a part (0 torso, 1 legs) goes by; none where it is not seen."""
    shares = appearance.shares[part]
    if appearance.seen[part] < 0.05 or shares.max(initial=0.0) < _NAMED:
        return []
    order = np.argsort(-shares)[:2]
    return [COLOURS[k] for k in order if shares[k] >= _NEARLY * shares[order[0]]]


def worn(appearance: Appearance, category: str) -> str:
    """What somebody wears, in words."""
    torso, legs = (" or ".join(names(appearance, part)) for part in (0, 1))
    if category != "person":
        return f"{category}, {torso or legs or 'of no clear colour'}"
    return f"{category} in {torso or 'no clear colour'} above and {legs or 'no clear colour'} below"


def look(appearance: Appearance, category: str) -> str:
    """Words for a script in which somebody would be found."""
    torso, legs = names(appearance, 0), names(appearance, 1)
    if category != "person":
        return f"{(torso or legs or [''])[0]} {category}".strip()
    words = [f"{torso[0]} jacket"] if torso else []
    words += [f"{legs[0]} trousers"] if legs else []
    return f"{category} in {' and '.join(words)}" if words else category


def where(place: Place) -> str:
    """Where somebody is, in words; empty where that is not known."""
    words = []
    if place.box is not None:
        u = (place.box[0] + place.box[2]) / 2
        words.append(
            "left in the picture"
            if u < 1 / 3
            else "right in the picture"
            if u > 2 / 3
            else "in the middle of the picture"
        )
    if place.position is not None:
        words.append(f"at {place.position[0]:.1f}, {place.position[1]:.1f} m")
    return " ".join(words)
