"""Decides whether a resident's question is surely one that a playbook already answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crisis.triage.spelling import listed, words

# Beside the thresholds measured with it, though one stage alone runs it (elsewhere SQL lives in its stage).
# $1 normalise(text), $2 its language, $3 the playbooks in force; faq.phrasing holds normalise(the phrasing).
# rank is the share of stems both have (Dice), similarity that of trigrams; both 0 to 1.
CANDIDATES = """
WITH asked AS MATERIALIZED (
    SELECT config, tsvector_to_array(to_tsvector(config, $1::text)) AS stems
    FROM CAST(CASE $2::text WHEN 'id' THEN 'indonesian' WHEN 'en' THEN 'english' ELSE 'simple' END
              AS regconfig) AS config
), near AS (
    SELECT faq.playbook, faq.question, faq.language, faq.phrasing,
           similarity(faq.phrasing, $1) AS similarity,
           (2.0 * (SELECT count(*) FROM unnest(theirs) AS stem WHERE stem = ANY (asked.stems))
            / greatest(cardinality(theirs) + cardinality(asked.stems), 1))::real AS rank
    FROM asked, faq, tsvector_to_array(to_tsvector(asked.config, faq.phrasing)) AS theirs
    WHERE faq.language = $2 AND faq.playbook = ANY ($3::text[])
)
SELECT playbook, question, language, phrasing, similarity, rank
FROM near
WHERE similarity + rank > 0.2
ORDER BY similarity + rank DESC
LIMIT 60
"""

SURE = 0.45  # measured: a lower score is right too seldom to answer without an officer
MARGIN = 0.2  # measured: the lead over the next question tells right from wrong better than the score
_LONGEST = 60  # words: longer is a story, not a question
_POLITE = listed("pak bu min admin mas mbak kak bang ya yaa dong sih deh nih please tolong mohon permisi halo hai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A phrasing of a known question near to what was asked; both nearnesses run from 0 to 1."""

    question: str
    language: str
    similarity: float
    rank: float
    playbook: str = ""
    phrasing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The known question, how near it is (0 to 1) and how far ahead of the next one; for the record."""

    question: str
    language: str
    playbook: str
    phrasing: str
    score: float
    lead: float


def normalise(text: str) -> str:
    """Give the words to match by: SMS short forms spelt out, synonyms joined, courtesy dropped."""
    return " ".join(word for word in words(text)[:_LONGEST] if word not in _POLITE)


def choose(candidates: Sequence[Candidate], *, sure: float = SURE, margin: float = MARGIN) -> Match | None:
    """Name the question that was surely asked, or None: an officer answers what is not sure.

    Sure means a score of at least `sure` and a lead of at least `margin` over the next different question;
    the same question under another playbook is a different one.
    """
    ranked = sorted(candidates, key=_score, reverse=True)
    if not ranked:
        return None
    best = ranked[0]
    rivals = (other for other in ranked if (other.playbook, other.question) != (best.playbook, best.question))
    score = _score(best)
    lead = score - max(map(_score, rivals), default=0.0)
    if score < sure or lead < margin:
        return None
    return Match(
        question=best.question,
        language=best.language,
        playbook=best.playbook,
        phrasing=best.phrasing,
        score=score,
        lead=lead,
    )


def _score(candidate: Candidate) -> float:
    return (candidate.similarity + candidate.rank) / 2
