"""The rules for Korean texts: the terms of locale/ko/terms.yaml, one style, and Korean grammar."""

from __future__ import annotations

import re
from typing import Any

import yaml
from markdown_it import MarkdownIt

from tools import catalogues

TERMS: dict[str, Any] = yaml.safe_load(
    (catalogues.LOCALE / "ko" / "terms.yaml").read_text(encoding="utf-8")
)
HANGUL = re.compile("[가-힣]")
PARTICLES = {"은": "는", "이": "가", "을": "를", "과": "와", "으로": "로"}
"""After a final consonant, and after a vowel."""


def prose(text: str) -> str:
    """A text without its pictures, code, tables, links' targets and HTML."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"^> ?", "", text, flags=re.MULTILINE)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"</?(details|summary)>", "", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def wrong_forms(text: str) -> list[str]:
    """The forms of terms that Kubernetes' documentation does not have, and what no text should have."""
    others = [form for term in TERMS["terms"] for form in term.get("not", [])]
    forms = [form for form in others if re.search(rf"(?<![가-힣]){re.escape(form)}", text)]
    return forms + [
        match[0] for each in TERMS["avoid"] if (match := re.search(each["pattern"], text))
    ]


def without_english(text: str) -> list[str]:
    """Return the terms whose first use on a page has no English next to it."""
    english = {
        term["korean"]: term.get("beside", [])
        for term in TERMS["terms"]
        if not term.get("only beside")
    }
    longest_first = sorted(english, key=len, reverse=True)
    pattern = "|".join(re.escape(term).replace("\\ ", r"\s") for term in longest_first)
    first: dict[str, str] = {}
    for match in re.finditer(rf"(?<![가-힣])({pattern})(?=\**(?:\s?\(([^)]*)\))?)", prose(text)):
        first.setdefault(re.sub(r"\s", " ", match[1]), " ".join((match[2] or "").split()))
    return [term for term, beside in first.items() if english[term] and beside not in english[term]]


def sentences(text: str) -> list[str]:
    """The Korean sentences of a lesson, without headings, tables, and the answers to choose from."""
    lines = [line for line in prose(text).splitlines() if not re.match(r"#+ |\||\* [a-c]: ", line)]
    plain = re.sub(r"`[^`]*`", "X", "\n".join(lines))
    plain = re.sub(r"\*\*[^*]+[.:]\*\*|소요 시간: 약 \d+분\.|<https[^>]*>", "", plain)
    parts = re.split(r"(?<=[.?!])(?=[\s)*]|$)|\n\n|\n(?=- |\d\. )", plain)
    flat = [
        re.sub(r"\s?\([^()]*\)(?=[.?!])", "", " ".join(part.replace("*", "").split()))
        for part in parts
    ]
    flat = [part.strip(" ()“”") for part in flat]
    return [part for part in flat if HANGUL.search(part) and part[-1] in ".?!"]


def wrong_endings(text: str) -> list[str]:
    """The sentences that are not in 합니다체, nor a request in -세요."""
    return [
        sentence
        for sentence in sentences(text)
        if not re.search(r"(니다|세요|니까|까요)\)?[.?!]$", sentence)
    ]


def wrong_plain_endings(text: str) -> list[str]:
    """The sentences that are not in 평어체, the style of checks and errors; what ends with a value may be a label."""
    parts = re.split(r"(?<=[.?!])(?=[\s)”]|$)", re.sub(r"`[^`]*`", "X", text))
    ends = [part.strip() for part in parts if re.search(r"[가-힣][)”]?[.?!]$", part.strip())]
    ends = [
        end for end in ends if not re.search(r"\}[가-힣]+[)”]?[.?!]$", end)
    ]  # a number and its unit
    return [
        end for end in ends if is_polite(end) or not re.search(r"(다|가|까|라)[)”]?[.?!]$", end)
    ]


def wrong_document_endings(text: str) -> list[str]:
    """The sentences of a document that are not in 평어체; a list and a table have other texts, too."""
    ends = [sentence for sentence in sentences(text) if re.search(r"[가-힣][)”]?[.?!]$", sentence)]
    polite = [
        match[0]
        for match in re.finditer(r"[가-힣]*니[다까](?=[).?! |]|$)", prose(text), re.MULTILINE)
    ]
    return [end for end in ends if not re.search(r"(다|가|까|라)[)”]?[.?!]$", end)] + [
        word for word in polite if is_polite(f"{word}.")
    ]


def is_polite(sentence: str) -> bool:
    """Return whether a sentence is in 합니다체: its last syllables are ㅂ니다 or ㅂ니까."""
    match = re.search(r"([가-힣])니[다까][)”]?[.?!]$", sentence)
    return match is not None and consonant(match[1]) == 17


def placeholders(text: str) -> set[str]:
    """The names of a message's values."""
    return set(re.findall(r"\{(\w+)\}", text))


def consonant(word: str) -> int:
    """The final consonant of a Korean word: 0 for none, 8 for ㄹ."""
    return (ord(word[-1]) - ord("가")) % 28


def wrong_particles(text: str) -> list[str]:
    """The terms and names whose particle has the other form."""
    readings = {term["korean"]: term["korean"] for term in TERMS["terms"]} | TERMS["readings"]
    names = "|".join(re.escape(name) for name in sorted(readings, key=len, reverse=True))
    either = "|".join(sorted({*PARTICLES, *PARTICLES.values()}, key=len, reverse=True))
    pattern = rf"(?<![\w가-힣./-])({names})[`*]*(?:\([^)]*\))?[`*]*({either})(?![가-힣])"
    wrong = []
    for match in re.finditer(pattern, prose(text)):
        final, particle = consonant(readings[match[1]]), match[2]
        with_consonant = final != 0 and not (final == 8 and particle in ("로", "으로"))
        if particle not in (PARTICLES if with_consonant else PARTICLES.values()):
            wrong.append(match[0])
    return wrong


def stray_asterisks(text: str) -> list[str]:
    """Return text that Markdown shows with its asterisks: emphasis between punctuation and a Korean letter does not end."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    leaves = [child for token in tokens for child in token.children or []]
    return [leaf.content for leaf in leaves if leaf.type == "text" and "*" in leaf.content]


def untranslated_terms(english: str, translation: str) -> list[str]:
    """The terms of an English text that are not in the Korean one."""
    text = re.sub(r"```.*?```|`[^`]*`|<https[^>]*>|\]\([^)]*\)", "", english, flags=re.DOTALL)
    lacking = []
    for term in TERMS["terms"]:
        for beside in [] if term.get("everyday") else term.get("beside", []):
            words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", beside).replace(" ", r"\s?")
            if re.search(rf"\b{words}s?\b", text, re.IGNORECASE):
                lacking += [] if term["korean"] in " ".join(translation.split()) else [beside]
    return lacking
