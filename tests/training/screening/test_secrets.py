import random
import string

import pytest

from training.screening import Reference, Row, screen
from training.screening.secrets import looks_random, secrets

NOTHING = Reference.build()
LETTERS = string.ascii_letters + string.digits


def drawn(length: int, signs: str = LETTERS) -> str:
    return "".join(random.Random(length).choices(signs, k=length))


HEX = "0123456789abcdef"
SEEDED = {
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "an AWS access key": "AKIA" + drawn(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "a GitHub token": "ghp_" + drawn(36),
    "a GitLab token": "glpat-" + drawn(20),
    "a Slack token": "xoxb-" + drawn(12, string.digits) + "-" + drawn(24),
    "a Slack webhook": "https://hooks.slack.com/services/T" + drawn(8) + "/B" + drawn(24),
    "a Telegram token": drawn(9, "123456789") + ":AA" + drawn(33),
    "a Google API key": "AIza" + drawn(35),
    "an OpenAI key": "sk-proj-" + drawn(48),
    "a Hugging Face token": "hf_" + drawn(34, string.ascii_letters),
    "a Groq key": "gsk_" + drawn(52),
    "a Stripe key": "sk_live_" + drawn(24),
    "a Twilio key": "SK" + drawn(32, HEX),
    "a SendGrid key": "SG." + drawn(22) + "." + drawn(43),
    "a Mailgun key": "key-" + drawn(32, HEX),
    "a Mailchimp key": drawn(32, HEX) + "-us12",
    "an npm token": "npm_" + drawn(36),
    "a PyPI token": "pypi-AgEIcHlwaS5vcmc" + drawn(60),
    "a RubyGems key": "rubygems_" + drawn(48, HEX),
    "a Docker token": "dckr_pat_" + drawn(27),
    "a DigitalOcean token": "dop_v1_" + drawn(64, HEX),
    "a Shopify token": "shpat_" + drawn(32, HEX),
    "a Square token": "sq0atp-" + drawn(22),
    "a Databricks token": "dapi" + drawn(32, HEX),
    "a Linear key": "lin_api_" + drawn(40),
    "a Vault token": "hvs." + drawn(24),
    "a New Relic key": "NRAK-" + drawn(27, string.ascii_uppercase + string.digits),
    "a Postman key": "PMAK-" + drawn(24, HEX) + "-" + drawn(34, HEX),
    "an Azure storage key": "AccountKey=" + drawn(86) + "==",
    "a JSON web token": f"eyJ{drawn(20)}.eyJ{drawn(40)}.{drawn(43)}",
    "a login in an address": "postgres://admin:Tr0ub4dor@db.lumen.eu/main",
    "an authorization header": "Authorization: Bearer " + drawn(40),
    "a password or key in an assignment": 'password = "kX9$wq7!Lp2z"',
}


@pytest.mark.parametrize("kind", SEEDED)
def test_each_of_thirty_kinds_of_secrets_is_found(kind):
    assert [hit[0] for hit in secrets(f"Here it is: {SEEDED[kind]} .")] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password: open Help and search for it.",
        'Set token = "your-api-key-here" or os.environ["TOKEN"].',
        "The secret: practice. The password: swordfish",
        "sk-learn is short for scikit-learn; see https://example.com/a:b@c",
        "The sum is 0xdeadbeef and the id 123e4567-e89b-12d3-a456-426614174000.",
    ],
)
def test_talk_about_secrets_is_no_secret(text):
    assert secrets(text) == []


def test_a_secret_is_quarantined_and_never_shown():
    token = SEEDED["a GitHub token"]

    (found,) = screen([Row("Which token?", f"Use {token} for that.")], NOTHING)

    assert (found.screen, found.severity, found.rows) == ("secrets", "quarantine", (0,))
    assert found.mend.startswith("Revoke it")
    assert token not in str(found)


def test_words_do_not_look_random_and_keys_do():
    assert not looks_random("correcthorsebattery")
    assert looks_random("kX9$wq7!Lp2z")
