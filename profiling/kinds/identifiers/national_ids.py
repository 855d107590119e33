"""Numbers that states and insurers give to persons, by form, date of birth and check digit.

A scheme is a test of one value. With a check digit one value in ten (or fewer) passes by chance, so that a column of
which nearly all pass holds such numbers, whatever its name. Rules: the issuers' public descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["SCHEMES", "national_scheme"]

_SEPARATORS = re.compile(r"[ .\-/\u00a0]")
_LONGEST = 40
_FEWEST = 5
"""Distinct values below which check digits may agree by chance."""

_VERHOEFF_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_P = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def passes_verhoeff(digits: str) -> bool:
    """Verhoeff's check digit, the last one."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[position % 8][int(digit)])])
    return check == 0


def passes_luhn(digits: str) -> bool:
    """Luhn's check digit (mod 10), the last one."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_day(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


def _pesel(t: str) -> bool:
    # The century is added to the month: 80, 0, 20, 40, 60.
    return _is_day(int(t[4:6]), int(t[2:4]) % 20) and _weighted(t, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _cpf(t: str) -> bool:
    if len(set(t)) == 1:
        return False
    first = _weighted(t, range(10, 1, -1)) * 10 % 11 % 10
    second = _weighted(t, range(11, 1, -1)) * 10 % 11 % 10
    return t[9:] == f"{first}{second}"


_FISCAL_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def _codice_fiscale(t: str) -> bool:
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in t[1:15:2])
    odd = sum(_FISCAL_ODD[c] for c in t[0:15:2])
    return chr(65 + (even + odd) % 26) == t[15]


def _nhs(t: str) -> bool:
    check = 11 - _weighted(t, range(10, 1, -1)) % 11
    return check != 10 and check % 11 == int(t[9])


def _tckn(t: str) -> bool:
    odd, even = sum(map(int, t[0:9:2])), sum(map(int, t[1:8:2]))
    return t[0] != "0" and (odd * 7 - even) % 10 == int(t[9]) and sum(map(int, t[:10])) % 10 == int(t[10])


def _cpr(t: str) -> bool:
    # Since 2007 numbers are given out that fail the check by 11, so the date of birth is all there is.
    return _is_day(int(t[:2]), int(t[2:4]))


def _cnp(t: str) -> bool:
    check = _weighted(t, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return t[0] != "0" and _is_day(int(t[5:7]), int(t[3:5])) and (1 if check == 10 else check) == int(t[12])


def _nir(t: str) -> bool:
    number = t[:13].replace("2A", "19").replace("2B", "18")
    return t[0] in "12378" and number.isdigit() and 97 - int(number) % 97 == int(t[13:])


_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def _dni(t: str) -> bool:
    number = t[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return number.isdigit() and _DNI_LETTERS[int(number) % 23] == t[-1]


def _bsn(t: str) -> bool:
    return int(t) > 0 and (_weighted(t[:8], range(9, 1, -1)) - int(t[8])) % 11 == 0


def _ean(t: str) -> bool:
    return _weighted(t, (1, 3) * 6 + (1,)) % 10 == 0


def _ahv(t: str) -> bool:
    return t.startswith("756") and _ean(t)


def _personnummer(t: str) -> bool:
    t = t[-10:]
    # A coordination number adds 60 to the day.
    return _is_day(int(t[4:6]) % 60, int(t[2:4])) and passes_luhn(t)


def _fodselsnummer(t: str) -> bool:
    first = -_weighted(t, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_weighted(t, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return _is_day(int(t[:2]) % 40, int(t[2:4]) % 40) and t[9:] == f"{first}{second}"


def _aadhaar(t: str) -> bool:
    return t[0] not in "01" and passes_verhoeff(t)


def _mod_11_10(t: str) -> bool:
    """ISO 7064 mod 11, 10: Germany's Steuer-ID, Croatia's OIB."""
    product = 10
    for digit in t[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(t[-1])


def _steuer_id(t: str) -> bool:
    return t[0] != "0" and 8 <= len(set(t[:10])) <= 9 and _mod_11_10(t)


_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def _hetu(t: str) -> bool:
    return _is_day(int(t[:2]), int(t[2:4])) and _HETU_LETTERS[int(t[:6] + t[7:10]) % 31] == t[10]


def _baltic(t: str) -> bool:
    check = _weighted(t, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = _weighted(t, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return t[0] in "123456" and _is_day(int(t[5:7]), int(t[3:5])) and check == int(t[10])


def _rodne_cislo(t: str) -> bool:
    # Women's month is raised by 50; both by 20 where a day's numbers ran out. Nine digits (before 1954) have no check.
    if not _is_day(int(t[4:6]), int(t[2:4]) % 50 % 20):
        return False
    if len(t) == 9:
        return 10 <= int(t[:2]) <= 53
    return int(t) % 11 == 0 or (int(t[:9]) % 11 == 10 and t[9] == "0")


def _egn(t: str) -> bool:
    check = _weighted(t, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return _is_day(int(t[4:6]), int(t[2:4]) % 20) and check == int(t[9])


def _jmbg(t: str) -> bool:
    check = 11 - _weighted(t, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return _is_day(int(t[:2]), int(t[2:4])) and (0 if check > 9 else check) == int(t[12])


def _amka(t: str) -> bool:
    return _is_day(int(t[:2]), int(t[2:4])) and passes_luhn(t)


def _nif_pt(t: str) -> bool:
    check = 11 - _weighted(t, range(9, 1, -1)) % 11
    return t[0] in "123568" and (0 if check > 9 else check) == int(t[8])


def _national_be(t: str) -> bool:
    return any(97 - int(prefix + t[:9]) % 97 == int(t[9:]) for prefix in ("", "2")) and int(t[2:4]) <= 52


def _svnr_at(t: str) -> bool:
    check = _weighted(t, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11
    return check == int(t[3]) and t[0] != "0" and 1 <= int(t[4:6]) <= 31


def _kvnr_de(t: str) -> bool:
    digits = f"{ord(t[0]) - 64:02}{t[1:9]}"
    total = sum(sum(map(int, str(int(d) * (1 + position % 2)))) for position, d in enumerate(digits))
    return total % 10 == int(t[9])


def _rvnr_de(t: str) -> bool:
    digits = f"{t[:8]}{ord(t[8]) - 64:02}{t[9:11]}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(map(int, str(int(d) * w))) for d, w in zip(digits, weights, strict=True))
    return 1 <= int(t[4:6]) <= 12 and total % 10 == int(t[11])


def _resident_cn(t: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return _is_day(int(t[12:14]), int(t[10:12])) and "10X98765432"[_weighted(t[:17], weights) % 11] == t[17]


def _my_number_jp(t: str) -> bool:
    rest = _weighted(t, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(t[11])


def _registered_kr(t: str) -> bool:
    # Numbers given out since October 2020 have no check digit.
    return _is_day(int(t[4:6]), int(t[2:4])) and t[6] in "12345678"


def _personal_hu(t: str) -> bool:
    return t[0] in "12345678" and _weighted(t, range(1, 11)) % 11 == int(t[10])


def _personal_lv(t: str) -> bool:
    return _is_day(int(t[:2]), int(t[2:4])) and (1101 - _weighted(t, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 % 10 == int(
        t[10]
    )


def _tax_ua(t: str) -> bool:
    return _weighted(t, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(t[9])


def _citizen_th(t: str) -> bool:
    return t[0] != "0" and (11 - _weighted(t, range(13, 1, -1)) % 11) % 10 == int(t[12])


def _id_za(t: str) -> bool:
    return _is_day(int(t[4:6]), int(t[2:4])) and t[10] in "012" and passes_luhn(t)


def _snils(t: str) -> bool:
    rest = _weighted(t, range(9, 0, -1)) % 101 % 100
    return rest == int(t[9:])


def _inn(t: str) -> bool:
    first = _weighted(t, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = _weighted(t, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return t[10:] == f"{first}{second}"


def _cuit(t: str) -> bool:
    check = 11 - _weighted(t, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return t[:2] in ("20", "23", "24", "27", "30", "33", "34") and {11: 0, 10: 9}.get(check, check) == int(t[10])


def _rut(t: str) -> bool:
    total = sum(int(d) * (2 + position % 6) for position, d in enumerate(reversed(t[:-1])))
    return "0K987654321"[total % 11] == t[-1]


def _medicare_au(t: str) -> bool:
    return t[0] in "23456" and _weighted(t, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(t[8])


def _npi(t: str) -> bool:
    return t[0] in "12" and passes_luhn("80840" + t)


def _iban(t: str) -> bool:
    return int("".join(str(int(c, 36)) for c in t[4:] + t[:4])) % 97 == 1


def _card(t: str) -> bool:
    return t[0] in "3456" and passes_luhn(t)


Scheme = tuple[str, str, Callable[[str], bool]]

_D = "[0-9LMNP-V]"  # two persons of one code: digits become letters

SCHEMES: tuple[Scheme, ...] = (
    ("codice fiscale (IT)", rf"[A-Z]{{6}}{_D}{{2}}[A-EHLMPRST]{_D}{{2}}[A-Z]{_D}{{3}}[A-Z]", _codice_fiscale),
    ("CURP (MX)", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", lambda t: _is_day(int(t[8:10]), int(t[6:8]))),
    ("DNI or NIE (ES)", r"[0-9XYZ]\d{7}[A-Z]", _dni),
    ("KVNR (DE)", r"[A-Z]\d{9}", _kvnr_de),
    ("RVNR (DE)", r"\d{8}[A-Z]\d{3}", _rvnr_de),
    ("IBAN", r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", _iban),
    ("NIR (FR)", r"[1-478]\d{4}(?:\d{2}|2[AB])\d{8}", _nir),
    ("resident id (CN)", r"[1-9]\d{5}(?:19|20)\d{9}[0-9X]", _resident_cn),
    ("PESEL (PL)", r"\d{11}", _pesel),
    ("CPF (BR)", r"\d{11}", _cpf),
    ("TCKN (TR)", r"\d{11}", _tckn),
    ("fødselsnummer (NO)", r"\d{11}", _fodselsnummer),
    ("Steuer-ID (DE)", r"\d{11}", _steuer_id),
    ("OIB (HR)", r"\d{11}", _mod_11_10),
    ("personal code (EE, LT)", r"\d{11}", _baltic),
    ("AMKA (GR)", r"\d{11}", _amka),
    ("national number (BE)", r"\d{11}", _national_be),
    ("SNILS (RU)", r"\d{11}", _snils),
    ("CUIT (AR)", r"\d{11}", _cuit),
    ("personal number (HU)", r"\d{11}", _personal_hu),
    ("personal code (LV)", r"\d{11}", _personal_lv),
    ("CNP (RO)", r"\d{13}", _cnp),
    ("AHV (CH)", r"\d{13}", _ahv),
    ("JMBG", r"\d{13}", _jmbg),
    ("RRN (KR)", r"\d{13}", _registered_kr),
    ("citizen number (TH)", r"\d{13}", _citizen_th),
    ("identity number (ZA)", r"\d{13}", _id_za),
    ("Aadhaar (IN)", r"\d{12}", _aadhaar),
    ("My Number (JP)", r"\d{12}", _my_number_jp),
    ("INN (RU)", r"\d{12}", _inn),
    ("personnummer (SE)", r"(?:19|20)?\d{10}", _personnummer),
    ("NHS number (GB)", r"\d{10}", _nhs),
    ("rodné číslo (CZ, SK)", r"\d{9,10}", _rodne_cislo),
    ("tax number (UA)", r"\d{10}", _tax_ua),
    ("EGN (BG)", r"\d{10}", _egn),
    ("SVNR (AT)", r"\d{10}", _svnr_at),
    ("Medicare (AU)", r"\d{10}", _medicare_au),
    ("NPI (US)", r"\d{10}", _npi),
    ("CPR (DK)", r"\d{10}", _cpr),
    ("BSN (NL)", r"\d{9}", _bsn),
    ("NIF (PT)", r"\d{9}", _nif_pt),
    ("SIN (CA), identity number (IL)", r"\d{9}", passes_luhn),
    ("RUT (CL)", r"\d{7,8}[0-9K]", _rut),
    ("payment card", r"\d{15,16}", _card),
)  # fmt: skip
"""Name, form without separators, test. Forms with letters come first; the order among numbers of one length is no
matter for what follows, since any scheme makes a column an identifier."""

_COMPILED = tuple((name, re.compile(form), test) for name, form, test in SCHEMES)
_LENGTHS = (9, 10, 11, 12, 13)
_HYPHENED = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]")


def national_scheme(texts: Sequence[str], *, numbers: bool = False) -> str | None:
    """The scheme that at least nine tenths of the distinct values follow, or None.

    Args:
        texts: Distinct values.
        numbers: They were read as numbers, so that leading zeros may be gone.
    """
    if len(texts) < _FEWEST:
        return None
    hyphened = sum(map(_is_hyphened, texts)) >= 0.9 * len(texts)
    if hyphened and _share([text.upper() for text in texts], _HYPHENED, _hetu) >= 0.9:
        return "HETU (FI)"
    plain = [_SEPARATORS.sub("", text[:_LONGEST].strip().upper()) for text in texts]
    longest = max(map(len, plain))
    if not 8 <= longest <= 34:
        return None
    lengths = {longest, *(length for length in _LENGTHS if length == longest + 1)} if numbers else {longest}
    for length in sorted(lengths):
        padded = [text.zfill(length) for text in plain] if numbers else plain
        for name, form, test in _COMPILED:
            if _share(padded, form, test) >= 0.9:
                return name
    return None


def _is_hyphened(text: str) -> bool:
    return _HYPHENED.fullmatch(text.upper()) is not None


def _share(texts: Sequence[str], form: re.Pattern[str], test: Callable[[str], bool]) -> float:
    missed = 0
    for text in texts:
        if not form.fullmatch(text) or not test(text):
            missed += 1
            if missed > 0.1 * len(texts):
                return 0.0
    return 1 - missed / len(texts)
