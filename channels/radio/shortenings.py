"""What short forms stand for, in Indonesian and English, and which capitals are said letter by letter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from re import Match, Pattern

# Said letter by letter though they have a vowel; other capitals with a vowel in them are read as words.
LETTERS = (
    "BPBD BNPB BMKG WIB WIT TNI PMI PLN PDAM RSUD RSU SDN SD SMP SMPN SMA SMAN SMK KTP KK RT RW IGD UGD "
    "SMS AM PM FM PVMBG ASN PNS DPRD UTC USGS PMK BPOM WA HP ORI LPG KUA AC BBM BPJS DPR DVI GPS HT IDI ICU UKS "
    "KRL LRT MRT NIK PBB PKK PLTD PLTA PLTU RRI TVRI RSIA SIM SPBU TPS TKP TPA UPT UMKM USG UHF VHF EWS APD APBD "
    "ATM UN EU US USA UK UAE NGO ID TV IT API URL DKI DIY NTT NTB OPD OKP GOR KUD BUMN BUMD ESDM MI MTS "
    "TK PAUD SLB KRI KM KMP KN APAR IRC WHO IOM ETA ASAP DIY SOS GMT EST EDT AKST AKDT MMI UPS AED ECG II XL IDP IDPS"
)
WORDS = "PAUD APAR SIM GOR"  # with a vowel, and read as words after all
SPELLED = frozenset(LETTERS.split()) - frozenset(WORDS.split())

# With their full stop, or without where that cannot be another word.
PLACES = {
    "jl": "jalan", "jln": "jalan", "gg": "gang", "kec.": "kecamatan", "kel.": "kelurahan", "kab.": "kabupaten",
    "prov.": "provinsi", "ds.": "desa", "dsn.": "dusun", "kp.": "kampung", "komp.": "kompleks",
    "perum.": "perumahan", "tj.": "tanjung", "tg.": "tanjung", "sei": "sungai", "sei.": "sungai", "sui": "sungai",
    "sui.": "sungai", "s.": "sungai", "ps.": "pasar", "jemb.": "jembatan", "kpg.": "kampung", "lt.": "lantai",
    "blk.": "blok", "bpk": "bapak", "sdr.": "saudara", "hj.": "haji", "h.": "haji", "ir.": "insinyur",
    "prof.": "profesor",
}  # fmt: skip
CAPITALISED = {"s.", "h.", "ps.", "ds.", "kp.", "tg.", "p."}  # only before a name, and only written large
FORMS_ID = PLACES | {
    "telp": "telepon", "tlp": "telepon", "tel": "telepon", "dll": "dan lain-lain", "dsb": "dan sebagainya",
    "dst": "dan seterusnya", "dkk": "dan kawan-kawan", "s.d": "sampai dengan", "s/d": "sampai dengan",
    "s.d.": "sampai dengan",
    "yg": "yang", "dgn": "dengan", "utk": "untuk", "krn": "karena", "sdh": "sudah", "blm": "belum", "tdk": "tidak",
    "jgn": "jangan", "skrg": "sekarang", "tgl": "tanggal", "tsb": "tersebut", "sbb": "sebagai berikut",
    "spt": "seperti",
    "ttg": "tentang", "thd": "terhadap", "kpd": "kepada", "pkl": "pukul", "a.n": "atas nama", "a.n.": "atas nama",
    "a.l": "antara lain", "a.l.": "antara lain", "d.a": "dengan alamat", "d.a.": "dengan alamat", "dr.": "dokter",
    "maks.": "maksimal", "maks": "maksimal", "min.": "minimal", "jml": "jumlah", "ket.": "keterangan",
    "dlm": "dalam", "bln": "bulan", "thn": "tahun", "masy.": "masyarakat", "kades": "kepala desa",
    "kadus": "kepala dusun",
    "w.i.b": "WIB", "org": "orang", "hub": "hubungi", "hub.": "hubungi",
    "pd.": "pada", "kep.": "kepulauan", "p.": "pulau", "kapt.": "kapten", "jend.": "jenderal",
    "skt.": "sekitar", "sktr": "sekitar", "dan/atau": "dan atau", "no.": "nomor", "no": "nomor", "nmr": "nomor",
    "km.": "kilometer", "km": "kilometer",
}  # fmt: skip
FORMS_EN = PLACES | {
    "approx": "about", "approx.": "about", "e.g": "for example", "e.g.": "for example", "i.e": "that is",
    "i.e.": "that is",
    "etc": "and so on", "etc.": "and so on", "tel.": "telephone", "vs": "versus", "rd.": "road", "rd": "road",
    "ave.": "avenue",
    "dr.": "doctor", "mr": "mister", "mrs": "missus", "dept": "department", "govt": "government", "ext.": "extension",
    "mt.": "mount", "gov.": "governor", "st.": "street", "w/": "with", "w/o": "without", "max.": "at most",
    "min.": "at least", "incl.": "including", "dist.": "district", "subdist.": "subdistrict", "est.": "estimated",
    "bldg": "building", "hwy": "highway", "blvd": "boulevard", "no.": "number",
    "km.": "kilometre", "km": "kilometre", "nr": "near", "and/or": "and or", "pls": "please", "thru": "through",
    "lt.": "lieutenant",
}  # fmt: skip
UNITS = {"min.", "max.", "hr.", "m."}  # after a number: minutes, not "at least"
COUNTED = {"no.", "no", "km.", "km", "nmr", "lt."}  # only before a number
ENDING = {"dan lain-lain", "dan sebagainya", "dan seterusnya", "dan kawan-kawan", "and so on"}

TOKEN = re.compile(r"(?<![\w./@-])(?:[A-Za-z]{1,7}(?:[./][A-Za-z]{1,4})*+)(?:\.|(?![\w@]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortenings:
    """The short forms of one language and how capitals are said there."""

    forms: Mapping[str, str]
    spelled: frozenset[str] = SPELLED
    capitals: Mapping[str, str] = field(default_factory=dict)  # those that stand for a word
    initials: Pattern[str] = field(default=re.compile(r"\b(?:[A-Z]\.){2,8}(?![\w@])"))

    def full(self, text: str) -> str:
        """Give `text` with its short forms in full words."""
        return TOKEN.sub(self._form, text)

    def _form(self, found: Match[str]) -> str:
        word = found[0]
        stop = word[-1] == "."
        key = word.lower()
        said = self.forms.get(key) or (self.forms.get(key[:-1]) if stop else None)
        after = found.string[found.end() : found.end() + 2]
        before = found.string[max(found.start() - 2, 0) : found.start()]
        if said is None or not _fits(word, key, after) or (key in UNITS and before[-2:-1].isdigit()):
            return word
        ends = stop and self._ends(key, said, after)
        return f"{said}{'.' if ends else ''}{' ' if after[:1].isalnum() else ''}"

    def _ends(self, key: str, said: str, after: str) -> bool:
        """Tell whether the full stop ends the sentence too."""
        if said in ENDING:
            return after[:1] == " " and after[1:].isupper()
        return not after and key not in self.forms


def _fits(word: str, key: str, after: str) -> bool:
    """Tell whether a short form stands where it means what it means elsewhere."""
    following = after.strip()[:1]
    if key in COUNTED:
        return following.isdigit() or (key == "no." and following == ":")
    if key == "st.":  # a street; before a name it is a saint
        return not following.isupper()
    if key in CAPITALISED:
        return word[0].isupper() and (following.isupper() or following >= "\U000f0000")  # a name that is hidden
    return True


WINDS = {"SE": "southeast", "SW": "southwest", "NE": "northeast", "NW": "northwest", "NNE": "north-northeast"}
WINDS |= {"NNW": "north-northwest", "SSE": "south-southeast", "SSW": "south-southwest", "ENE": "east-northeast"}
WINDS |= {"ESE": "east-southeast", "WNW": "west-northwest", "WSW": "west-southwest"}
SHORTENINGS = {"id": Shortenings(forms=FORMS_ID), "en": Shortenings(forms=FORMS_EN, capitals=WINDS)}
