"""Residents' files: every row is kept or named with its line, and no fault shows a whole number."""

from __future__ import annotations

import random
import time
from datetime import date

import phonenumbers
import pytest

from crisis.errors import BadInput, Fault
from crisis.model.resident import NewResident, mask, normalise_address, parse_csv

AREAS = {"61.12.01": 1, "sungai raya": 1, "61.12.09": 9}
HEAD = "name,address,channel,language,area,latitude,longitude,consent,risk,exercise"
GOOD = "Budi,081234567834,sms,id,61.12.01,,,yes,,"


def parse(raw: str | bytes) -> tuple[list[NewResident], list[Fault]]:
    data = raw if isinstance(raw, bytes) else raw.encode()
    return parse_csv(data, "warga.csv", areas=AREAS, languages=("id", "en"), channels=("sms", "telegram"))


def one(row: str, head: str = HEAD) -> NewResident:
    residents, faults = parse(f"{head}\n{row}\n")
    assert faults == []
    return residents[0]


def test_a_full_row_is_read() -> None:
    """Every column ends where it belongs."""
    row = 'Ibu Sari,\'0812-3456-7834,SMS,Indonesia,Sungai Raya,"-0,0632",109.3451,2026-03-31,9,ya'
    assert one(row) == NewResident(
        line=2,
        name="Ibu Sari",
        address="+6281234567834",
        channel="sms",
        language="id",
        area_id=1,
        latitude=-0.0632,
        longitude=109.3451,
        consent=date(2026, 3, 31),
        risk=9,
        exercise=True,
    )


@pytest.mark.parametrize(
    "raw",
    [
        f"{HEAD}\n{GOOD}\n",
        f"{HEAD}\r\n{GOOD}\r\n",
        f"{HEAD}\r{GOOD}",
        f"\ufeff{HEAD}\n{GOOD}",
        f"\n\n{HEAD.upper()}\n{GOOD}",
        f"{HEAD}\n{GOOD}".replace(",", ";"),
        f"{HEAD}\n{GOOD}".replace(",", "\t"),
        f"{HEAD}\n{GOOD}".replace("081234567834", '"=""081234567834"""'),
        "nama,nomor,kanal,bahasa,wilayah,lintang,bujur,persetujuan,risiko,latihan\n" + GOOD,
        "Nama , Alamat,KANAL,Bahasa,Wilayah,Lintang,Bujur,Persetujuan,Risiko,Latihan\n" + GOOD,
    ],
)
def test_every_dress_of_a_file_reads_the_same(raw: str) -> None:
    """Line ends, separators, byte-order marks, spreadsheet dress and Indonesian headers change nothing."""
    (resident,), faults = parse(raw)
    assert faults == []
    assert (resident.name, resident.address, resident.area_id) == ("Budi", "+6281234567834", 1)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_names_survive_the_encodings_of_spreadsheets(encoding: str) -> None:
    """A name with an accent is right whether saved as UTF-8, Latin-1 or UTF-16."""
    (resident,), _ = parse(f"{HEAD}\n{GOOD.replace('Budi', 'José')}".encode(encoding))
    assert resident.name == "José"


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ("Budi,08123,sms,id,61.12.01,,,yes,,", "address", "not a number in use"),
        ("Budi,abc,sms,id,61.12.01,,,yes,,", "address", "not a telephone number"),
        ("Budi,,sms,id,61.12.01,,,yes,,", "address", "not a telephone number"),
        ("Budi,0561734567,sms,id,61.12.01,,,yes,,", "address", "cannot receive SMS"),
        ("Budi,6.28123E+12,sms,id,61.12.01,,,yes,,", "address", "spreadsheet has rounded"),
        ("Budi,@budi,telegram,id,61.12.01,,,yes,,", "address", "whole number of a chat"),
        ("Budi,081234567834,fax,id,61.12.01,,,yes,,", "channel", "'fax' is not a channel in use"),
        ("Budi,081234567834,,id,61.12.01,,,yes,,", "channel", "an empty cell"),
        ("Budi,081234567834,sms,fr,61.12.01,,,yes,,", "language", "use one of: en, id"),
        ("Budi,081234567834,sms,id,Atlantis,,,yes,,", "area", "'Atlantis' is not a known area"),
        ("Budi,081234567834,sms,id,,,,yes,,", "area", "neither an area nor coordinates"),
        ("Budi,081234567834,sms,id,,109.3,-0.06,yes,,", "latitude", "swapped"),
        ("Budi,081234567834,sms,id,,-0.06,190,yes,,", "latitude", "out of range"),
        ("Budi,081234567834,sms,id,,0,0,yes,,", "latitude", "unknown place"),
        ("Budi,081234567834,sms,id,,-0.06,,yes,,", "longitude", "an empty cell is not a number"),
        ("Budi,081234567834,sms,id,,nan,109,yes,,", "latitude", "not a number"),
        ("Budi,081234567834,sms,id,61.12.01,,,,,", "consent", "has not consented"),
        ("Budi,081234567834,sms,id,61.12.01,,,tidak,,", "consent", "has not consented"),
        ("Budi,081234567834,sms,id,61.12.01,,,mungkin,,", "consent", "neither yes, no nor a date"),
        ("Budi,081234567834,sms,id,61.12.01,,,2026-02-31,,", "consent", "neither yes, no nor a date"),
        ("Budi,081234567834,sms,id,61.12.01,,,yes,10,", "risk", "0 to 9"),
        ("Budi,081234567834,sms,id,61.12.01,,,yes,,kadang", "exercise", "neither yes nor no"),
        ("Budi,081234567834,sms,id,61.12.01,,,yes,,,,081234567834", "row", "more cells than"),
        ("Budi,081234567834", "channel", "an empty cell"),
        ('"Budi,081234567834,sms,id,61.12.01,,,yes,,', "channel", "an empty cell"),
        ("Budi,sms,081234567834,id,61.12.01,,,yes,,", "channel", "is not a channel in use"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_kept(row: str, field: str, says: str) -> None:
    """Each refused row has its line, its column and a sentence; rows before and after it are kept."""
    after = GOOD.replace("081234567834", "081234567899")
    residents, faults = parse(f"{HEAD}\n{GOOD.replace('7834', '7800')}\n{row}\n{after}")
    assert [resident.line for resident in residents] == [2, 4]
    assert [(fault.file, fault.line, fault.field) for fault in faults] == [("warga.csv", 3, field)]
    assert says in faults[0].says


@pytest.mark.parametrize(
    "row",
    [
        "Budi,0812345678345678,sms,id,61.12.01,,,yes,,",
        "Budi,081234567834,081234567834,id,61.12.01,,,yes,,",
        "Budi,081234567834,sms,081234567834,61.12.01,,,yes,,",
        "Budi,081234567834,sms,id,081234567834,,,yes,,",
        "Budi,081234567834,sms,id,61.12.01,,,081234567834,,",
        "Budi,081234567834,sms,id,61.12.01,,,yes,081234567834,",
        "Budi,+99981234567834,sms,id,61.12.01,,,yes,,",
    ],
)
def test_no_fault_shows_a_whole_number(row: str) -> None:
    """Even a number in the wrong column is masked."""
    _, (fault,) = parse(f"{HEAD}\n{row}")
    assert "34567" not in str(fault)
    assert "****" in fault.says


def test_the_first_of_two_rows_with_one_address_is_kept() -> None:
    """The same number spelt twice is one resident, and the officer learns of both lines."""
    residents, faults = parse(f"{HEAD}\n{GOOD}\nSari,+62 812-3456-7834,sms,id,61.12.01,,,yes,,")
    assert [resident.name for resident in residents] == ["Budi"]
    assert [str(fault) for fault in faults] == [
        "warga.csv:3: address: +62812****34 is already on line 2; that one is kept"
    ]


def test_the_same_digits_on_two_channels_are_two_residents() -> None:
    """A chat id is no telephone number."""
    residents, faults = parse(f"{HEAD}\n{GOOD}\nBudi,6281234567834,telegram,id,61.12.01,,,yes,,")
    assert ([r.channel for r in residents], faults) == (["sms", "telegram"], [])


PERSONS = "nik,address,channel,language,area,latitude,longitude,consent,risk,exercise"
NUMBER = "081234567834,sms,id,61.12.01,,,yes,3,"
CHAT = "123456789,telegram,en,61.12.01,,,yes,3,"


@pytest.mark.parametrize(
    ("codes", "same"),
    [
        (("6112010101900001", "6112010101900001"), True),
        (("6112 0101 0190 0001", "6112.0101.0190.0001"), True),
        (("W-12", "w-12"), True),
        (("W  12", " W 12 "), True),
        (("W-12", "W-13"), False),
        (("1-12", "11-2"), False),
        (("W-12", ""), False),
        (("", ""), False),
        (("-", "-"), False),
        (("0", "000"), False),
        (("N/A", "n/a"), False),
        (("Belum ada", "belum ada"), False),
    ],
)
def test_rows_with_one_code_are_one_person(codes: tuple[str, str], same: bool) -> None:
    """However an office spells its code; an empty or crossed out cell names nobody. Each address has its language."""
    residents, faults = parse(f"{PERSONS}\n{codes[0]},{NUMBER}\n{codes[1]},{CHAT}")
    assert ([r.language for r in residents], faults) == (["id", "en"], [])
    assert (residents[0].person == residents[1].person != "") == same


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (CHAT.replace("61.12.01", "61.12.09"), "area"),
        (CHAT.replace("61.12.01,,", "61.12.01,-0.06,109.3"), "latitude"),
        (CHAT.replace(",3,", ",4,"), "risk"),
        (CHAT.replace(",3,", ",,"), "risk"),
        (CHAT + "ya", "exercise"),
    ],
)
def test_a_row_that_contradicts_its_person_is_named_and_the_first_is_kept(row: str, field: str) -> None:
    """One person cannot live in two places; the code, which may be a NIK, is not shown."""
    residents, faults = parse(f"{PERSONS}\n6112010101900001,{NUMBER}\n6112010101900001,{row}")
    assert [r.line for r in residents] == [2]
    (fault,) = faults
    assert (fault.line, fault.field) == (3, field)
    assert fault.says == "is not the same as on line 2, which names the same person; that one is kept"


def test_a_code_that_a_spreadsheet_has_rounded_names_nobody() -> None:
    """Rounded, the codes of many are the same: such a row is refused before it makes one resident of them."""
    residents, (fault,) = parse(f"{PERSONS}\n6.11201E+15,{NUMBER}\n,{CHAT}")
    assert ([r.line for r in residents], fault.line, fault.field) == ([3], 2, "person")
    assert "rounded" in fault.says


def test_a_code_on_too_many_rows_is_no_persons() -> None:
    """Eleven addresses of one person are a filler in the column: none is stored, each line is told, others stay."""
    rows = [f"x,{NUMBER.replace('7834', f'78{at}')}" for at in range(10, 21)]
    residents, faults = parse("\n".join([PERSONS, *rows, f"y,{CHAT}"]))
    assert [r.line for r in residents] == [13]
    assert [(f.line, f.field) for f in faults] == [(line, "person") for line in range(2, 13)]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("name,channel\nBudi,sms", "column address is missing"),
        ("address,channel,language,consent\nx", "neither a column area nor"),
        ("address,channel,language,consent,latitude\nx", "neither a column area nor"),
        (HEAD + ",nomor\n", "address is there twice"),
        ("PK\x03\x04\x00\x00 xlsx", "is missing"),
    ],
)
def test_a_file_without_its_columns_is_refused_whole(raw: str, says: str) -> None:
    """Nothing is loaded from a file whose columns are not known."""
    with pytest.raises(BadInput, match=says) as refused:
        parse(raw)
    assert "warga.csv" in str(refused.value)


def test_a_stray_quotation_mark_swallows_no_other_row() -> None:
    """Each line stands for itself, so an open quotation mark costs one resident and is named."""
    rows = [GOOD.replace("7834", f"78{at}") for at in range(10, 15)]
    rows[1] = '"' + rows[1]
    residents, faults = parse("\n".join([HEAD, *rows]))
    assert ([r.line for r in residents], [f.line for f in faults]) == ([2, 4, 5, 6], [3])


@pytest.mark.parametrize(
    ("channel", "raw", "spelt"),
    [
        ("sms", "081234567834", "+6281234567834"),
        ("sms", "+62 812-3456-7834", "+6281234567834"),
        ("sms", "6281234567834", "+6281234567834"),
        ("sms", "006281234567834", "+6281234567834"),
        ("sms", "81234567834", "+6281234567834"),
        ("sms", "(0812) 3456.7834", "+6281234567834"),
        ("sms", "+62 (0)812 3456 7834", "+6281234567834"),
        ("sms", "\u202a+62 812\u20113456\u20117834\u202c", "+6281234567834"),
        ("sms", "٠٨١٢٣٤٥٦٧٨٣٤", "+6281234567834"),
        ("sms", "+60123456789", "+60123456789"),
        ("telegram", " 123456789 ", "123456789"),
        ("telegram", "-1001234567890", "-1001234567890"),
        ("matrix", " @a:b ", "@a:b"),
    ],
)
def test_an_address_has_one_spelling(channel: str, raw: str, spelt: str) -> None:
    """However it was written, the same address is stored, looked up and written back to as one."""
    assert normalise_address(channel, raw, "ID") == spelt
    assert normalise_address(channel, spelt, "ID") == spelt


@pytest.mark.parametrize("raw", ["", "0", "1.5", "0123", "9" * 30, "@budi", "+62812"])
def test_a_chat_id_is_a_whole_number(raw: str) -> None:
    """What Telegram could never deliver to is refused before it is stored."""
    with pytest.raises(BadInput):
        normalise_address("telegram", raw, "ID")


@pytest.mark.parametrize("country", ["ID", "MY", "PH", "DE", "IT", "BR", "US"])
def test_the_quick_way_agrees_with_the_library(country: str) -> None:
    """Whatever is spelt, nationally or with +code, comes out as the telephone library spells it."""
    seed = 20261121
    rng = random.Random(seed)
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    digits = str(example.national_number)
    trunk = "0" if country in {"ID", "MY", "PH", "DE", "BR"} else ""
    agreed = 0
    for _ in range(300):
        national = digits[:3] + "".join(rng.choice("0123456789") for _ in range(rng.randrange(4, 10)))
        for raw in (f"+{example.country_code}{national}", trunk + national):
            expected = _by_the_library(raw, country)
            try:
                got = normalise_address("sms", raw, country)
            except BadInput:
                got = ""
            assert got == expected, f"{raw} in {country}, seed {seed}"
            agreed += bool(got)
    assert agreed > 20


def _by_the_library(raw: str, country: str) -> str:
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return ""
    mobile = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in mobile:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("+6281234567834", "+62812****34"),
        ("081234567834", "08****34"),
        ("123456789", "12****89"),
        ("12345", "****"),
        ("", "****"),
        ("budi@example.id", "b****@example.id"),
    ],
)
def test_a_mask_shows_the_ends_only(address: str, masked: str) -> None:
    """Enough to tell two residents apart, not enough to call one."""
    assert mask(address) == masked


def test_a_resident_does_not_print_the_address() -> None:
    """A resident that ends up in a log line or a traceback gives nothing away."""
    assert "1234567" not in repr(one(GOOD))
    assert "Budi" not in repr(one(GOOD))
    assert "61120101" not in repr(one(f"6112010101900001,{NUMBER}", PERSONS))


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "every row by the library"])
def test_ten_thousand_rows_take_less_than_three_seconds(slow: bool) -> None:
    """An officer loading a kecamatan sees the answer before the page times out."""
    form = "{},+6012{:07d},sms,en,61.12.01,,,yes,3," if slow else "{},0812{:08d},sms,id,61.12.01,,,yes,3,"
    raw = "\n".join([HEAD, *(form.format(at, 2_000_000 + at) for at in range(10_000))])
    started = time.process_time()
    residents, faults = parse(raw)
    took = time.process_time() - started
    print(f"10,000 rows in {took:.2f} s")
    assert (len(residents), faults) == (10_000, [])
    assert took < 3
