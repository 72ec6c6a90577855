"""Automated alert feeds: the registry, name -> format, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from crisis.feeds import bmkg_quake, cap_feed, gdacs, nws, usgs, wis2
from crisis.feeds.contract import Format, Lists, Way

SLOWLY = timedelta(minutes=5)  # for those who ask not to be read every minute

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "cap": cap_feed.FORMAT,
        "bmkg-nowcast": replace(
            cap_feed.FORMAT, says="BMKG weather warnings: RSS (www.bmkg.go.id/alerts/nowcast/id)", lists=Lists.ALL
        ),
        "bmkg-quake": bmkg_quake.FORMAT,
        "inatews": replace(
            cap_feed.FORMAT,
            says="BMKG InaTEWS quakes from M 5: CAP in Atom (capatomlast40event.xml)",
            lists=Lists.SOME,
        ),
        "usgs": usgs.FORMAT,
        "gdacs": gdacs.FORMAT,
        "nws": nws.FORMAT,
        "meteoalarm": replace(
            cap_feed.FORMAT,
            says="MeteoAlarm: weather warnings of a European country",
            every=SLOWLY,
            lists=Lists.ALL,
        ),
        "edxl": replace(cap_feed.FORMAT, says="EDXL-DE distributions that carry CAP"),
        "wis2": wis2.FORMAT,
        "post": Format(parse=cap_feed.parse_document, says="CAP that its owner posts to us", way=Way.POSTED),
    }
)
