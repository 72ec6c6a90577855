"""Reads hurried writing: one form for each letter, SMS short forms as whole words."""

from __future__ import annotations

import re
import unicodedata

_DROPPED = ("Cf", "Mn", "Me", "Cs")  # zero-width and direction marks, accents, keycap frames, broken halves
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_MARKS = re.compile(r"[@#]\S*|https?://\S+")
_APOSTROPHE = re.compile(r"(?<=[a-z])['’`](?=[a-z])")


def listed(words_apart: str) -> frozenset[str]:
    return frozenset(words_apart.split())


def clean(text: str) -> str:
    """Give the text in plain letters, single-spaced and trimmed, case kept; running it twice changes nothing."""
    if not text.isascii():
        wide = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in wide if unicodedata.category(letter) not in _DROPPED)
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.replace("\0", " ").split())


def words(text: str) -> list[str]:
    """Split into lower-case words and numbers, stretched letters pressed (tolonggg), SMS short forms spelt out."""
    plain = _MARKS.sub(" ", clean(text).casefold())
    plain = _STRETCHED.sub(r"\1", _APOSTROPHE.sub("", plain))
    found: list[str] = []
    for word in _WORD.findall(plain):
        longer = SHORT.get(word)
        if longer is None:
            found.append(word)
        else:
            found.extend(longer)
    return found


def _table(rows: str) -> dict[str, tuple[str, ...]]:
    short: dict[str, tuple[str, ...]] = {}
    for row in filter(None, map(str.strip, rows.splitlines())):
        whole, _, forms = row.partition(":")
        short |= dict.fromkeys(forms.split(), tuple(whole.split()))
    return short


SHORT = _table(
    """
    tidak: tdk tdak tidk gk gak ga nggak ngga enggak engga kagak kaga ndak nda ngak gag gx tak teu henteu ora mboten
    tidak bisa: gabisa gakbisa gbs gkbs gabs tdkbisa tdkbs takbisa
    tidak ada: gaada gada gakada takde takada
    tidak tahu: gatau gaktau
    bisa: bs bsa bise iso isa tiasa
    belum: blm blum blom belom durung acan lom
    sudah: sdh udh udah uda dah sudh wis wes geus tos
    masih: msh masi mash isih
    akan: akn
    yang: yg yng sing
    dengan: dgn dg dngn
    dari: dri drpd
    untuk: utk untk buat bwt
    karena: krn karna krna
    kalau: kalo klo kl klu kalu lamun yen
    jangan: jgn jngan ojo
    dan: dn
    di: d neng nang ning
    tapi: tp tpi
    juga: jg jga
    saja: aja aj
    sampai: sampe smpe ampe smpai nyampe nganti dugi
    sekali: skali
    sedang: sdg lg lgi lagi
    sekarang: skrg skrang skr skg sekrg saiki ayeuna
    kemarin: kmrn kmaren kemaren wingi
    nanti: ntar nti
    berapa: brp brapa brpa piro sabaraha
    bagaimana: gmn gmna gimana gimn bgmn bgaimana kepiye piye kumaha
    di mana: dmn dmna dimana dimn dmana
    ke mana: kmn kmna kemana
    kapan: kpn kapn iraha
    kenapa: knp knapa napa ngapa
    siapa: sapa spa
    apa: ap opo naon ape
    apakah: apkh
    saya: sy sya gw gue gua aku q ane kulo abdi kuring
    kami: kmi
    kita: kta
    orang: org orng oreng wong uong urang jalma
    rumah: rmh rmah umah omah imah
    anak: ank anakku
    keluarga: klrg klg keluargaku
    desa: ds
    dusun: dsn
    kampung: kp kmp kpg
    jalan: jl jln
    dekat: dkt deket
    depan: dpn
    belakang: blkg blkng
    atas: ats luhur
    bawah: bwh
    dalam: dlm dalem jero
    lantai: lt lnt
    air: banyu aek aik cai banyune airnya aer
    banjir: bjr bnjr bnjir kebanjiran kabanjiran caah
    keluar: kluar kaluar metu kluwar
    masuk: msk mlebu
    naik: naek munggah unggah
    turun: trun mudun
    tolong: tlg tlong tlng tulung tulong tulungan tolongin tolg tolomg tolng tulungi nulungan tlngin
    mohon: mhn mohin nyuwun
    bantu: bntu bantuin
    bantuan: bntuan
    butuh: bth btuh
    segera: sgera sgra sgr
    cepat: cpt cepet cpet buruan gancang
    informasi: info infonya
    pengungsian: pngungsian posko shelter
    mengungsi: ngungsi ngungsine
    obat: obt
    sakit: skt skit gering
    hidup: hdp
    banyak: bnyk bnyak
    kecil: kcl
    tinggi: tggi tinggj dhuwur
    besok: bsk bsok sesuk isukan
    hari: hr
    terus: trs trus terusan
    sama: sm
    sendirian: sndirian dewekan
    terima kasih: makasih mksh trims tks trimakasih terimakasih thx nuwun hatur
    please: pls plz plis pliss
    you: u
    are: r
    cannot: cant couldnt
    people: ppl pple
    water: watr wtr
    """
)
