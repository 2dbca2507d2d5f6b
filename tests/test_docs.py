"""The pages of the project lead somewhere: links, paths and module names in them exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/**/README.md")]
    if not page.relative_to(ROOT).parts[0].startswith(".")
)


def test_there_are_pages() -> None:
    assert ROOT / "README.md" in PAGES
    assert ROOT / "docs" / "flight.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", page.read_text(encoding="utf-8"))
    away = ("http:", "https:", "mailto:")
    missing = [
        link for link in links if not link.startswith(away) and not (page.parent / link).exists()
    ]
    assert not missing


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    words = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-") for heading in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_headings_that_it_links_to_exist(page: Path) -> None:
    links = re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", page.read_text(encoding="utf-8"))
    assert not [
        f"{path}#{anchor}"
        for path, anchor in links
        if anchor not in anchors(page.parent / path if path else page)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_it_names_exist(page: Path) -> None:
    folders = "cinempc|sim|perception|tests|docs|configs|launch"
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{folders})/(?:[\w/.-]+\.\w+|[\w/-]+/))`", text)
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_modules_that_it_names_exist(page: Path) -> None:
    named = re.findall(r"`((?:cinempc|sim|perception)(?:\.[a-z]\w*)+)", page.read_text("utf-8"))
    public = {"film", "fly", "perceive", "sequence", "identify", "check"}
    missing = []
    for name in named:
        first, *rest = name.split(".")
        if first == "cinempc" and rest[0] in public:
            continue
        # What stands last may be a function of the module before it.
        places = [ROOT.joinpath(first, *rest), ROOT.joinpath(first, *rest[:-1])]
        if not any(
            p.is_dir() or p.with_suffix(".py").is_file() for p in places if p != ROOT / first
        ):
            missing.append(name)
    assert not missing
