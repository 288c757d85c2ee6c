import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.screening import Reference, Row, screen
from training.screening.personal_data import iban, luhn, masked, personal_data, verhoeff

NOTHING = Reference.build()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to kara.tolan@mail-house.eu today.", "an e-mail address"),
        ("Pay to DE89 3704 0044 0532 0130 00.", "a bank account (IBAN)"),
        ("Pay to GB82WEST12345698765432", "a bank account (IBAN)"),
        ("My card is 4111 1111 1111 1111", "a payment card"),
        ("Amex 378282246310005.", "a payment card"),
        ("SSN 219-09-1234", "a United States social security number"),
        ("NIR 2 55 08 14 168 025 38", "a French social security number"),
        ("ID 11010519491231002X", "a Chinese resident number"),
        ("Aadhaar 2341 2341 2346", "an Indian Aadhaar number"),
        ("CPF 529.982.247-25", "a Brazilian CPF"),
        ("CF RSSMRA85T10A562S", "an Italian tax code"),
        ("DNI 12345678Z", "a Spanish identity number"),
        ("HETU 131052-308T", "a Finnish personal code"),
        ("personnummer 811228-9874", "a Swedish personal number"),
        ("Steuer-ID: 86 095 742 719", "a German tax number"),
        ("PESEL 44051401359", "a Polish PESEL"),
        ("BSN: 111222333", "a Dutch BSN"),
        ("NHS number 943 476 5919", "a British NHS number"),
        ("NI AB 12 34 56 C", "a British national insurance number"),
        ("Call +49 30 901820 please", "a phone number"),
        ("Call (212) 736-5000 now", "a phone number"),
        ("It came from 8.8.4.4 again", "an IP address"),
        ("It came from 2a00:1450:4001:82a::200e", "an IP address"),
    ],
)
def test_each_kind_of_personal_data_is_found(text, kind):
    assert [hit.kind for hit in personal_data(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "Write to help@lumen.test or kara@example.com.",
        "IBAN DE88 3704 0044 0532 0130 00 has a wrong check digit.",
        "The card 4111 1111 1111 1112 fails Luhn's test.",
        "Call (555) 555-0123, as in the films.",
        "Convert 1234567890 m to km, 2024-03-05, 12:30, version 3.2.1.",
        "The server listens on 127.0.0.1 and 192.168.0.7.",
        "1 800 555 0199 and 3.14159265358979 are no people.",
        "Sort: 5, 17, 23, 42, 99, 1000000",
    ],
)
def test_reserved_and_broken_values_are_no_personal_data(text):
    assert personal_data(text) == []


def test_personal_data_is_quarantined_and_never_shown():
    rows = [Row("Who is it?", "Somebody."), Row("Mail?", "kara.tolan@mailhouse.eu")]

    (found,) = screen(rows, NOTHING)

    assert (found.screen, found.severity, found.rows) == ("personal data", "quarantine", (1,))
    assert found.message == "Row 2: there is what looks like an e-mail address."
    assert "kara" not in str(found)
    assert found.evidence["places"] == [
        {"row": 1, "field": "answer", "start": 0, "end": 23, "masked": "k…u"}
    ]


def test_an_address_of_a_machine_is_only_noted():
    (found,) = screen([Row("Which server answers names?", "Try 8.8.8.8 for that.")], NOTHING)

    assert found.severity == "note"


@given(st.text(string.digits, min_size=1, max_size=18))
def test_exactly_one_digit_completes_a_number_by_luhn(number):
    assert sum(luhn(number + digit) for digit in string.digits) == 1


@given(st.text(string.digits, min_size=8, max_size=18), st.data())
def test_luhn_sees_every_single_wrong_digit(number, data):
    number += next(digit for digit in string.digits if luhn(number + digit))
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([d for d in string.digits if d != number[place]]))

    assert not luhn(number[:place] + other + number[place + 1 :])


@given(st.text(string.digits, min_size=18, max_size=18), st.data())
def test_an_iban_is_known_by_its_remainder_and_not_by_another(account, data):
    check = 98 - int(account + "131400") % 97
    right = f"DE{check:02d}{account}"
    place = data.draw(st.integers(4, 21))
    other = data.draw(st.sampled_from([d for d in string.digits if d != right[place]]))

    assert iban(right)
    assert iban(" ".join(right[i : i + 4] for i in range(0, 22, 4)))
    assert not iban(right[:place] + other + right[place + 1 :])


@given(st.text(string.digits, min_size=11, max_size=11))
def test_at_most_one_digit_completes_a_number_by_verhoeff(number):
    assert sum(verhoeff(number + digit) for digit in string.digits) <= 1


@given(st.text())
def test_no_text_breaks_the_search_and_hits_lie_inside_it(text):
    for hit in personal_data(text):
        assert 0 <= hit.start < hit.end <= len(text)
        assert len(masked(text[hit.start : hit.end])) <= 3
