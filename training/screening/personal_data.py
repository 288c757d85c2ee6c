"""Personal data, found by form and by checksum, and shown only masked."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from training.screening.found import Found, Json, Severity, naming
from training.screening.reference import Reference
from training.screening.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data: how it is written, and what tells a real one from digits."""

    name: str
    form: re.Pattern[str]
    real: Callable[[str], bool]
    severity: Severity = "quarantine"


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in a text."""

    kind: str
    start: int
    end: int
    severity: Severity


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Quarantine rows with addresses, numbers or ids of people; one finding for each kind."""
    hits: dict[tuple[str, Severity], list[tuple[int, str, str, Hit]]] = defaultdict(list)
    for row, place, text in sheet.fields():
        for hit in personal_data(text):
            hits[hit.kind, hit.severity].append((row, place, text, hit))
    for (kind, severity), places in hits.items():
        rows = tuple(dict.fromkeys(row for row, *_ in places))
        where: list[Json] = [
            {"row": row, "field": place, "start": hit.start, "end": hit.end,
             "masked": masked(text[hit.start : hit.end])}
            for row, place, text, hit in places[:50]
        ]  # fmt: skip
        yield Found(
            "personal data",
            severity,
            rows,
            f"{naming(rows).capitalize()}: there is what looks like {kind}.",
            "Replace it by an invented value (for addresses: a name at example.com).",
            {"kind": kind, "places": where},
        )


def personal_data(text: str) -> list[Hit]:
    """Every place that holds personal data, from left to right; the first kind to claim wins."""
    hits: list[Hit] = []
    digits = sum(map(str.isdigit, text)) if not text.isalpha() else 0
    for kind in KINDS:
        if ("@" not in text) if kind.name == "an e-mail address" else (digits < 4):
            continue
        for match in kind.form.finditer(text):
            start, end = match.span()
            free = all(end <= hit.start or hit.end <= start for hit in hits)
            if free and kind.real(match[0]):
                hits.append(Hit(kind.name, start, end, kind.severity))
    return sorted(hits, key=lambda hit: hit.start)


def masked(value: str) -> str:
    """The first and last sign of a value and dots between, so that a finding leaks nothing."""
    return value[0] + "…" + value[-1] if len(value) > 2 else "…"


# ------------------------------------------------------------------------------- checksums


def luhn(number: str) -> bool:
    """ISO/IEC 7812: the check digit of cards and of many national numbers."""
    digits = [int(sign) for sign in number if sign.isdecimal()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(digits) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24,
    "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def iban(account: str) -> bool:
    """ISO 13616: a known country, its length, and the remainder 1 modulo 97."""
    compact = re.sub(r"[\s-]", "", account).upper()
    if IBAN_LENGTHS.get(compact[:2]) != len(compact) or not compact.isascii():
        return False
    if not compact.isalnum() or not compact[2:4].isdecimal():
        return False
    return int("".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4])) % 97 == 1


def _digits(value: str) -> list[int]:
    return [int(sign) for sign in value if sign.isdecimal()]


def _varied(value: str) -> bool:
    return len(set(_digits(value))) > 2


def card(number: str) -> bool:
    """A card number of a network that issues them, of the right length, with Luhn's digit."""
    digits = re.sub(r"\D", "", number)
    issued = re.fullmatch(
        r"4(\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
        r"|3[47]\d{13}|3(0[0-5]|[689]\d)\d{11}|6(011|5\d\d|4[4-9]\d)\d{12}|35(2[89]|[3-8]\d)\d{12}"
        r"|62\d{14,17}|(50|5[6-9]|6[37])\d{11,17}",
        digits,
    )
    return issued is not None and len(set(digits)) > 1 and luhn(digits)


_RESERVED_NAMES = ("test", "example", "invalid", "localhost", "local", "internal", "lan")
_RESERVED_DOMAINS = ("example.com", "example.net", "example.org", "example.edu")


def mailbox(address: str) -> bool:
    """An address at a domain that people can own (RFC 2606 and 6761 set some apart)."""
    domain = address.rpartition("@")[2].casefold().rstrip(".")
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1] in _RESERVED_NAMES or not labels[-1].isalpha():
        return False
    return not any(domain == name or domain.endswith("." + name) for name in _RESERVED_DOMAINS)


def phone(number: str) -> bool:
    """An international number of E.164's length, or a North American one that can exist."""
    digits = re.sub(r"\D", "", number)
    if not _varied(digits):
        return False
    if number.lstrip("( ").startswith(("+", "00")):
        return 9 <= len(digits) <= 15 and "555" not in digits[1:7]
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    area, exchange = digits[:3], digits[3:6]
    if len(digits) != 10 or area[0] in "01" or exchange[0] in "01" or exchange == "555":
        return False
    # 8xx numbers are the free lines of companies, not of people.
    return area not in {"800", "833", "844", "855", "866", "877", "888", "900"}


def ssn(number: str) -> bool:
    """A United States social security number that can have been given out."""
    area, group, serial = re.split(r"\D", number)
    return (
        area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    ) and number not in {"078-05-1120", "219-09-9999", "123-45-6789"}


def spanish(number: str) -> bool:
    """A Spanish DNI or NIE: the letter is the number modulo 23."""
    compact = re.sub(r"\W", "", number).upper()
    figure = compact[:-1].translate(str.maketrans("XYZ", "012"))
    return _varied(figure) and "TRWAGMYFPDXBNJZSQVHLCKE"[int(figure) % 23] == compact[-1]


def italian(code: str) -> bool:
    """An Italian codice fiscale with its check letter."""
    odd = dict(
        zip(
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11,
             3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23],
            strict=True,
        )
    )  # fmt: skip
    code = code.upper()
    total = sum(odd[sign] for sign in code[:15:2])
    total += sum(int(sign, 36) % 36 - 10 * sign.isalpha() for sign in code[1:15:2])
    return chr(ord("A") + total % 26) == code[15]


def french(number: str) -> bool:
    """A French NIR: 97 minus the number modulo 97 (2A and 2B stand for Corsica)."""
    compact = re.sub(r"\W", "", number).upper().replace("2A", "19").replace("2B", "18")
    return compact.isdecimal() and 97 - int(compact[:13]) % 97 == int(compact[13:])


def brazilian(number: str) -> bool:
    """A Brazilian CPF with both check digits."""
    digits = _digits(number)
    if not _varied(number):
        return False
    for length in (9, 10):
        total = sum(digit * (length + 1 - i) for i, digit in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True


def finnish(number: str) -> bool:
    """A Finnish henkilötunnus: birthday, century, serial and check sign."""
    compact = number.upper()
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(compact[:6] + compact[7:10]) % 31] == compact[10]


def swedish(number: str) -> bool:
    """A Swedish personnummer: birthday and Luhn's digit over the last ten figures."""
    digits = re.sub(r"\D", "", number)[-10:]
    return 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31 and luhn(digits)


def chinese(number: str) -> bool:
    """A Chinese resident number: birthday and ISO 7064 MOD 11-2."""
    if not (1 <= int(number[10:12]) <= 12 and 1 <= int(number[12:14]) <= 31):
        return False
    total = sum(int(digit) * (2 ** (17 - i) % 11) for i, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


_VERHOEFF = [[(a + b) % 5 if a < 5 and b < 5 else
              (a + b) % 5 + 5 if a < 5 else
              (a - b) % 5 + 5 if b < 5 else (a - b) % 5
              for b in range(10)] for a in range(10)]  # fmt: skip
_VERHOEFF_TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(number: str) -> bool:
    """Verhoeff's check digit (the dihedral group of order ten), used by the Indian Aadhaar."""
    check = 0
    for place, digit in enumerate(reversed(_digits(number))):
        for _ in range(place % 8):
            digit = _VERHOEFF_TURN[digit]
        check = _VERHOEFF[check][digit]
    return check == 0 and _varied(number)


def _last_number(value: str) -> str:
    return re.sub(r"\D", "", value)


def german(number: str) -> bool:
    """A German tax number: ISO 7064 MOD 11,10, one figure twice or thrice among the first ten."""
    digits = _digits(number)
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[10] and len(set(digits[:10])) in (8, 9)


def polish(number: str) -> bool:
    """A Polish PESEL: weights 1 3 7 9 and the last digit."""
    digits = _digits(number)
    return sum(d * w for d, w in zip(digits, (1, 3, 7, 9) * 2 + (1, 3, 1), strict=True)) % 10 == 0


def dutch(number: str) -> bool:
    """A Dutch BSN: the eleven-test."""
    digits = _digits(number)
    return sum(d * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0


def british(number: str) -> bool:
    """A British NHS number: weights 10 to 2 modulo 11."""
    digits = _digits(number)
    total = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return len(digits) == 10 and (total if total < 11 else 0) == digits[9]


def public_address(text: str) -> bool:
    """An IP address that can belong to somebody's machine on the internet."""
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def _named(words: str, number: str) -> re.Pattern[str]:
    """A number that is only an id when a word before it says so."""
    return re.compile(
        rf"(?i)\b(?:{words})\b[^\w\n]{{0,4}}(?:(?:is|no|number|nr)\b\W{{0,3}})?{number}"
    )


_EDGE, _END = r"(?<![\w.,+/-])", r"(?![\w/-]|[.,]\d)"

KINDS: tuple[Kind, ...] = (
    Kind(
        "an e-mail address",
        re.compile(
            r"(?<![\w.+-])[^\W_][\w.+-]{0,63}(?<!\.)@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,5}"
            r"[^\W\d_]{2,24}\b"
        ),
        mailbox,
    ),
    Kind(
        "a bank account (IBAN)",
        re.compile(
            r"(?i)(?<![a-z0-9])[a-z]{2}\d\d(?:[ -]?[a-z0-9]{4}){2,7}"
            r"(?:[ -]?[a-z0-9]{1,3})?(?![a-z0-9])"
        ),
        iban,
    ),
    Kind("a payment card", re.compile(rf"{_EDGE}\d(?:[ -]?\d){{11,18}}{_END}"), card),
    Kind(
        "a United States social security number",
        re.compile(rf"{_EDGE}\d{{3}}-\d\d-\d{{4}}{_END}"),
        ssn,
    ),
    Kind(
        "a French social security number",
        re.compile(
            rf"{_EDGE}[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?(?:\d\d|2[ABab]) ?"
            rf"\d{{3}} ?\d{{3}} ?\d\d{_END}"
        ),
        french,
    ),
    Kind(
        "a Chinese resident number",
        re.compile(rf"{_EDGE}[1-8]\d{{5}}(?:19|20)\d{{9}}[\dXx]{_END}"),
        chinese,
    ),
    Kind(
        "an Indian Aadhaar number",
        re.compile(rf"{_EDGE}[2-9]\d{{3}} \d{{4}} \d{{4}}(?! ?\d){_END}"),
        verhoeff,
    ),
    Kind("a Brazilian CPF", re.compile(rf"{_EDGE}\d{{3}}\.\d{{3}}\.\d{{3}}-\d\d{_END}"), brazilian),
    Kind(
        "an Italian tax code",
        re.compile(r"\b[A-Za-z]{6}\d\d[A-EHLMPRSTa-ehlmprst]\d\d[A-Za-z]\d{3}[A-Za-z]\b"),
        italian,
    ),
    Kind(
        "a Spanish identity number",
        re.compile(r"\b(?:\d{8}|[XYZxyz]-?\d{7})-?[A-HJ-NP-TV-Za-hj-np-tv-z]\b"),
        spanish,
    ),
    Kind(
        "a Finnish personal code",
        re.compile(r"\b(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+A]\d{3}[0-9A-Y]\b"),
        finnish,
    ),
    Kind(
        "a Swedish personal number",
        re.compile(rf"{_EDGE}(?:19|20)?\d\d[01]\d[0-3]\d[-+]\d{{4}}{_END}"),
        swedish,
    ),
    Kind(
        "a German tax number",
        _named(
            "steuer-?id|idnr|steuerliche identifikationsnummer|steueridentifikationsnummer|tax id",
            r"\d{2} ?\d{3} ?\d{3} ?\d{3}\b",
        ),
        lambda text: german(_last_number(text)),
    ),
    Kind("a Polish PESEL", _named("pesel", r"\d{11}\b"), lambda text: polish(_last_number(text))),
    Kind(
        "a Dutch BSN",
        _named("bsn|burgerservicenummer", r"\d{9}\b"),
        lambda text: dutch(_last_number(text)),
    ),
    Kind(
        "a British NHS number",
        _named("nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}\b"),
        lambda text: british(_last_number(text)),
    ),
    Kind(
        "a British national insurance number",
        re.compile(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]\b"),
        lambda text: not text.startswith(("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")),
    ),
    Kind(
        "a phone number",
        re.compile(
            rf"(?<![\w.,+/-])(?<!\d )(?:\+|00)[1-9]\d{{0,2}}[ .-]?(?:\(0?\d{{1,5}}\)[ .-]?)?"
            rf"\d{{1,5}}(?:[ ./-]?\d{{2,5}}){{1,5}}{_END}"
        ),
        phone,
    ),
    Kind(
        "a phone number",
        re.compile(
            rf"(?<![\w.,+/-])(?:1[ .-])?(?:\(\d{{3}}\) ?|\d{{3}}[ .-])"
            rf"\d{{3}}[ .-]\d{{4}}{_END}"
        ),
        phone,
    ),
    Kind(
        "an IP address",
        re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"),
        public_address,
        "note",
    ),
    Kind(
        "an IP address",
        re.compile(r"(?i)(?<![\w:.])(?:[0-9a-f]{1,4}:{1,2}){2,7}[0-9a-f]{1,4}(?![\w:])"),
        public_address,
        "note",
    ),
)
