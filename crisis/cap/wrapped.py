"""Decides how an alert counts that travels inside an EDXL-DE distribution for an exercise or a test."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from crisis.cap.entry import Entry
from crisis.cap.inline import text_of
from crisis.cap.nouns import Status
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original

HARMLESS = {Status.EXERCISE, Status.SYSTEM, Status.TEST}  # EDXL-DE 1.0 distributionStatus: not for the public


def as_wrapped(entry: Entry, at: etree._Element, original: Original) -> Entry:
    """Read an alert as the distribution around it says, if that is for exercise or test; what was changed is noted.

    `at` is the element in which the alert was found. An actual alert that somebody rehearses with must not
    reach the public.
    """
    status = told_of(at, "distributionStatus", original)
    if entry.alert is None or status not in HARMLESS or entry.alert.status in HARMLESS | {Status.DRAFT}:
        return entry
    says = f"the distribution is {status} though the alert says {entry.alert.status}; it was read as {status}"
    note = Warning(rule="W-DISTRIBUTION", where="status", says=says)
    return replace(entry, alert=replace(entry.alert, status=Status(status)), warnings=(note, *entry.warnings))


def told_of(at: etree._Element, name: str, original: Original) -> str:
    """Give what the innermost distribution around an element says under a name; empty if there is none."""
    around = next(at.iterancestors("{*}EDXLDistribution"), None)
    if around is None:
        return ""
    if (around, name) not in original.told:  # asked for every alert: to search all of them each time is quadratic
        original.told[around, name] = next((text_of(one) for one in around.iterchildren(f"{{*}}{name}")), "")
    return original.told[around, name]
