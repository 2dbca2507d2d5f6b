"""What a text that is no quantity was probably meant to be: "did you mean '2.5 m'?".

Each repair below knows one mistake. What it gives may need another repair ("−2,5 M"), and only
what the grammar then reads, in a unit that the field takes, is offered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cinempc.units import grammar, table
from cinempc.units.table import Unit

#: What is wrong, and what would be right or nearer to it.
_Repair = tuple[str, Sequence[str]] | None


class _Field(NamedTuple):
    """What a field takes: a unit that measures the same, and the usual spelling."""

    unit: Unit
    usual: str


#: Words of other languages, and abbreviations that are no unit's symbol.
_ELSEWHERE = {
    "grad": "deg", "grade": "deg", "grados": "deg", "gradi": "deg", "degs": "deg", "sek": "s",
    "sekunde": "s", "sekunden": "s", "segundos": "s", "secondes": "s", "secondi": "s",
    "minuten": "min", "minutos": "min", "mins": "min", "minuti": "min", "metros": "m",
    "metri": "m", "mtr": "m", "mtrs": "m", "mts": "m", "millimeter": "mm", "zentimeter": "cm",
    "zoll": "in", "fuss": "ft", "fuß": "ft", "pies": "ft", "mps": "m/s", "fpm": "ft/min",
    "frames/s": "fps", "bps": "fps", "hertz": "Hz", "prozent": "%", "percent": "%", "pct": "%",
    "rads": "rad", "msecs": "ms", "d": "dioptre", "ev": "stop",
}  # fmt: skip
_DASHES = dict.fromkeys(map(ord, "–—‐‑‒﹣－⁻"), "-")
_SEPARATORS = {ord("٫"): ".", ord("．"): ".", ord("，"): ",", ord("／"): "/", ord("％"): "%"}


def refusal(words: str, unit: Unit, usual: str, example: str) -> str:
    """Why a text is refused, and what would be right.

    Args:
        words: the text, no longer than the grammar allows.
        unit: what the field takes.
        usual: how its unit is usually spelled.
        example: what is said where nobody knows what is meant.
    """
    why, meant = _meant(_plain(words), _Field(unit, usual), 4)
    if meant:
        return f"{words!r} {why}: did you mean {' or '.join(repr(text) for text in meant)}?"
    return f"{words!r} {why}: {example}"


def _meant(words: str, field: _Field, depth: int) -> tuple[str, list[str]]:
    for repair in _REPAIRS:
        found = repair(words, field)
        if found is None:
            continue
        why, texts = found
        meant: list[str] = []
        for text in texts:
            reading = grammar.read(text)
            if reading is not None:
                meant += [text] if reading.unit.measures_as(field.unit) else []
            elif depth and text != words:
                meant += _meant(text, field, depth - 1)[1]
        return why, list(dict.fromkeys(meant))[:2]
    return "is not a quantity", []


def _plain(words: str) -> str:
    """The text in plain characters: digits of other scripts, dashes, blanks of other widths."""
    words = "".join(str(int(c)) if c.isdecimal() else " " if c.isspace() else c for c in words)
    return words.translate(_DASHES | _SEPARATORS).replace("−", "-").strip()


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _bare(words: str, field: _Field) -> _Repair:
    if grammar.value(words) is None:
        return None
    return "has no unit", [f"{words} {field.usual}"]


def _other_characters(words: str, field: _Field) -> _Repair:
    """All that `_plain` changed: the text is a quantity by now."""
    if grammar.read(words) is None:
        return None
    return "has characters that are not taken for a number", [words]


def _clock(words: str, field: _Field) -> _Repair:
    match = re.fullmatch(r"(?:([0-9]+):)?([0-9]+):([0-9]{2}(?:\.[0-9]+)?) ?[A-Za-z]*", words)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    whole = int(hours or 0) * 60 + int(minutes)
    return "is a time of a clock", [f"{whole} min {_decimal(float(seconds))} s"]


def _several_points(words: str, field: _Field) -> _Repair:
    match = re.match(r"[+-]?[0-9]*(?:\.+[0-9]*){2,}", words)
    if match is None or match[0].count(".") < 2:
        return None
    digits, rest = match[0], words[match.end() :]
    if re.fullmatch(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}", digits):
        return "has several points", [digits.replace(".", "") + rest]
    once = re.sub(r"\.{2,}", ".", digits)
    return "has several points", [once + rest] if once.count(".") == 1 else []


def _comma(words: str, field: _Field) -> _Repair:
    match = re.match(r"([+-]?)([0-9][0-9.,' ]*[0-9]|,[0-9]+)", words)
    if match is None or "," not in match[2]:
        if re.match(r"[^,]*[0-9],", words):
            return "has a comma", [words.replace(",", "", 1)]
        return None
    sign, digits, rest = match[1], match[2], words[match.end() :]
    whole, *groups = digits.split(",")
    thousands = all(re.fullmatch(r"[0-9]{3}", group) for group in groups[:-1]) and bool(
        re.fullmatch(r"[0-9]{3}(?:\.[0-9]+)?", groups[-1])
    )
    texts = []
    if len(groups) == 1 and "." not in groups[0]:
        texts.append(f"{re.sub('[. ]', '', whole) or '0'}.{groups[0].replace(' ', '')}")
    if thousands and re.fullmatch(r"[1-9][0-9]{0,2}", whole):
        texts.append(whole + "".join(groups))
    return "has a comma in its number", [sign + text + rest for text in texts]


def _fraction(words: str, field: _Field) -> _Repair:
    match = re.fullmatch(r"([+-]?)(?:([0-9]{1,6})[ -])?([0-9]{1,6}) ?/ ?([0-9]{1,6}) ?(\D*)", words)
    if match is None or not int(match[4]):
        return None
    sign, whole, over, under, rest = match.groups()
    value = int(whole or 0) + int(over) / int(under)
    return "is a fraction, and nothing is calculated", [f"{sign}{_decimal(value)} {rest}".strip()]


def _glyph(words: str, field: _Field) -> _Repair:
    for glyph, value in {"½": ".5", "¼": ".25", "¾": ".75", "⅓": ".333", "⅔": ".667"}.items():
        if match := re.fullmatch(rf"([+-]?)([0-9]*) ?{glyph}(.*)", words):
            return "is a fraction", [f"{match[1]}{match[2] or '0'}{value}{match[3]}"]
    return None


def _range(words: str, field: _Field) -> _Repair:
    match = re.fullmatch(rf"({grammar.NUMBER}) ?(\D*?) ?(?:-|to) ?({grammar.NUMBER}) ?(\D+)", words)
    if match is None:
        return None
    low, unit, high, rest = match.groups()
    return "is a range, and one value is meant", [f"{low} {unit or rest}", f"{high} {rest}"]


def _about(words: str, field: _Field) -> _Repair:
    match = re.match(r"(?:~|≈|<=|>=|<|>|≤|≥|=|±|\+-|\+/-|about |around |ca\.? ?|circa )+ ?", words)
    return None if match is None else ("is no one value", [words[match.end() :]])


def _calculation(words: str, field: _Field) -> _Repair:
    if re.match(r"[+-]?[0-9.]+ ?/ ?[A-Za-z]", words):
        return None
    if re.search(r"[0-9)] ?(?:[*+/^×·÷±]|[x-] ?[0-9(])|\(|[^\W\d_] ?[+*×-] ?[0-9]", words):
        return "is a calculation, and nothing is calculated", []
    return None


def _signs(words: str, field: _Field) -> _Repair:
    match = re.match(r"([+-]) +([0-9.].*)", words)
    if match is not None:
        return "has a blank after its sign", [match[1] + match[2]]
    return ("has several signs", []) if re.match(r"[+-]{2,}", words) else None


def _blanks_in_number(words: str, field: _Field) -> _Repair:
    apart = r"(?: +|_|'(?=[0-9]{3}(?![0-9])))"  # 1'30 is a minute and a half
    match = re.match(rf"([+-]?[0-9]+)((?:{apart}[0-9]+)+)((?:\.[0-9]+)?)(?=$|[^0-9])", words)
    if match is None:
        return None
    groups = re.split(r"[ '_]+", match[2])[1:]
    rest = match[3] + words[match.end() :]
    texts = [f"{match[1]}{''.join(groups)}{rest}"]
    if len(groups) == 1 and not match[3] and len(groups[0]) != 3:
        texts.insert(0, f"{match[1]}.{groups[0]}{rest}")
    return "has a blank in its number", texts


def _point_apart(words: str, field: _Field) -> _Repair:
    match = re.match(r"([+-]?[0-9]*) ?\. ?([0-9]+)", words)
    if match is None or " " not in match[0]:
        return None
    return "has a blank in its number", [f"{match[1]}.{match[2]}{words[match.end() :]}"]


def _two_quantities(words: str, field: _Field) -> _Repair:
    unit = r"[^\W\d_]+|[^\w\s.+*/^()×-]+"
    pattern = rf"([+-]?)({grammar.NUMBER}) ?({unit}) ?(?:and )?({grammar.NUMBER}) ?({unit}|)"
    match = re.fullmatch(pattern, words)
    if match is None:
        return None
    sign, first, above, second, below = match.groups()
    if field.unit.kind == "time":
        above = {"m": "min", "'": "min", "′": "min", "´": "min"}.get(above, above)
        below = {'"': "s", "″": "s", "''": "s", "": "s" if above == "min" else ""}.get(below, below)
    one, two = grammar.read(f"{first} {above}"), grammar.read(f"{second} {below}")
    if one is None or two is None or not one.unit.measures_as(two.unit):
        return None
    why = "holds two quantities"
    whole, rest = one.value, two.value
    many = one.unit.size / two.unit.size
    if whole.is_integer() and round(many) in (12, 60):
        whole, rest = whole + rest // round(many), rest % round(many)
        compound = f"{sign}{whole:.0f} {above} {_decimal(rest)} {below}"
        if grammar.read(compound) is not None and compound != words:
            return why, [compound]
    return why, [f"{sign}{_decimal(one.value + two.value / many)} {above}"]


def _unit_first(words: str, field: _Field) -> _Repair:
    match = re.fullmatch(rf"([^\s0-9+\-.,]+) ?([+-]?{grammar.NUMBER})", words)
    return None if match is None else ("has its unit first", [f"{match[2]} {match[1]}"])


def _unknown_unit(words: str, field: _Field) -> _Repair:
    match = re.fullmatch(rf"([+-]?{grammar.NUMBER}(?:[eE][+-]?[0-9]{{1,3}})?)\s*(\D.*)", words)
    if match is None:
        return None
    number, unit = match.groups()
    joined = re.sub(r"\s", "", re.sub(r"\s+per\s+|\s*/\s*", "/", unit))
    if table.find(joined) is not None:
        why = "has blanks in its unit" if " " in unit else "has more than one blank"
        return why, [f"{number} {joined}"]
    first, _, more = unit.partition(" ")
    if more and (known := table.find(first)) is not None and known.measures_as(field.unit):
        return "has more after its unit", [f"{number} {first}"]
    takes = [word for word, known in table.WORDS.items() if known.measures_as(field.unit)]
    takes += [field.usual]
    lower = joined.lower()
    near = [word for word in takes if word.lower() == lower]
    near += [_ELSEWHERE[lower]] if lower in _ELSEWHERE else []
    near += [joined.rstrip(".;:!?,")] if joined[-1] in ".;:!?," else []
    above, line, below = lower.partition("/")
    near += [f"{_ELSEWHERE.get(above, above)}/{_ELSEWHERE.get(below, below)}"] if line else []
    if len(joined) > 3:  # of shorter ones, too much is near to each other
        power = re.sub(r"\D", "", joined)
        takes = [word for word in takes if re.sub(r"\D", "", word) == power]
        near += difflib.get_close_matches(joined, takes, n=1, cutoff=0.75)
    meant = [word for word in near if word != joined and table.find(word) is not None]
    return f"has no unit that is known ({unit[:20]!r})", [f"{number} {word}" for word in meant[:1]]


_REPAIRS: tuple[Callable[[str, _Field], _Repair], ...] = (
    _other_characters,
    _bare,
    _about,
    _clock,
    _range,
    _several_points,
    _comma,
    _glyph,
    _fraction,
    _signs,
    _blanks_in_number,
    _point_apart,
    _two_quantities,
    _calculation,
    _unit_first,
    _unknown_unit,
)
