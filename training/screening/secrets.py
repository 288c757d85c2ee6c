"""Keys, tokens and passwords, found by their form, and shown only masked."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from training.screening.found import Found, Json, naming
from training.screening.personal_data import masked
from training.screening.reference import Reference
from training.screening.sheet import Sheet

_B64 = r"[A-Za-z0-9_-]"

# Issuers give their tokens fixed beginnings so that scanners can find them.
FORMS: dict[str, str] = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
    "an age private key": r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}",
    "a PuTTY private key": r"PuTTY-User-Key-File-[23]:",
    "an AWS access key": r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z2-7]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b",
    "a GitLab token": rf"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt|agent|imt)-{_B64}{{20,64}}",
    "a Slack token": r"\bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,250}",
    "a Slack webhook": r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{20,}",
    "a Discord webhook": r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}",
    "a Discord token": r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}\b",
    "a Telegram token": r"\b\d{8,10}:AA[\w-]{33}\b",
    "a Google API key": rf"\bAIza{_B64}{{35}}(?![\w-])",
    "a Google OAuth secret": rf"\bGOCSPX-{_B64}{{28}}\b|\bya29\.{_B64}{{30,}}",
    "an OpenAI key": rf"\bsk-(?:proj-|svcacct-|admin-|None-)?{_B64}{{20,200}}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{34,40}\b|\bapi_org_[A-Za-z]{34}\b",
    "a Replicate token": r"\br8_[A-Za-z0-9]{37,40}\b",
    "a Groq key": r"\bgsk_[A-Za-z0-9]{40,60}\b",
    "a Stripe key": r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,247}\b|\bwhsec_[A-Za-z0-9+/]{32,}",
    "a Twilio key": r"\bSK[0-9a-f]{32}\b",
    "a SendGrid key": rf"\bSG\.{_B64}{{16,32}}\.{_B64}{{16,64}}",
    "a Mailgun key": r"\bkey-[0-9a-f]{32}\b",
    "a Mailchimp key": r"\b[0-9a-f]{32}-us\d{1,2}\b",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "a RubyGems key": r"\brubygems_[0-9a-f]{48}\b",
    "a Docker token": rf"\bdckr_(?:pat|oat)_{_B64}{{20,}}",
    "a DigitalOcean token": r"\bdo[opr]_v1_[0-9a-f]{64}\b",
    "a Shopify token": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    "a Square token": rf"\b(?:sq0[a-z]{{3}}-{_B64}{{22,43}}|EAAA{_B64}{{60}})\b",
    "a Databricks token": r"\bdapi[0-9a-f]{32}(?:-\d)?\b",
    "a Linear key": r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}\b",
    "a Notion token": r"\b(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})\b",
    "a Vault token": rf"\bhv[sbr]\.{_B64}{{24,}}",
    "a Terraform token": rf"\b[A-Za-z0-9]{{14}}\.atlasv1\.{_B64}{{60,}}",
    "a Grafana token": rf"\bgl(?:sa|c)_{_B64}{{32,}}",
    "a New Relic key": r"\bNRAK-[A-Z0-9]{27}\b",
    "a Sentry token": r"\bsntr[yu]s_[A-Za-z0-9+/=_-]{40,}",
    "a Postman key": r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b",
    "an Atlassian token": rf"\bATATT3{_B64}{{50,}}",
    "a Figma token": rf"\bfigd_{_B64}{{38,}}",
    "an Airtable token": r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b",
    "a Supabase key": r"\bsbp_[0-9a-f]{40}\b",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{60,}={0,2}",
    "a JSON web token": rf"\beyJ{_B64}{{8,}}\.eyJ{_B64}{{8,}}\.{_B64}{{8,}}",
    "a login in an address": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>]{1,64}:[^\s/@'\"<>]{3,128}@[\w.-]+",
    "an authorization header": (
        r"(?i)\bauthorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic|token)\s+[\w.+/=~-]{16,}"
    ),
}  # fmt: skip
_KNOWN = {name: re.compile(form) for name, form in FORMS.items()}

# Cheap first look: a text with none of these cannot hold any of the forms above.
_HINTS = re.compile(
    r"-----BEGIN|AGE-SECRET|PuTTY|AKIA|ASIA|ABIA|ACCA|AROA|AIDA|gh[pousr]_|github_pat|gl[a-z]{2,6}[-_]"
    r"|xox|xapp-|hooks\.slack|webhooks/|AIza|GOCSPX|ya29|sk[-_]|rk_|whsec_|\bSK[0-9a-f]|SG\.|key-|-us\d"
    r"|npm_|pypi-|rubygems_|dckr_|do[opr]_v1|shp[a-z]{2}_|sq0|EAAA|dapi|lin_|secret_|ntn_|hv[sbr]\."
    r"|atlasv1|NRAK|sntr|PMAK|ATATT3|figd_|\bpat|sbp_|AccountKey|eyJ|://|(?i:authorization)|hf_"
    r"|api_org_|r8_|gsk_|:AA|\b[MNO][\w-]{23}"
)
_ASSIGNED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|auth[_-]?key"
    r"|client[_-]?secret|private[_-]?key|credentials?|connection[_-]?string)"
    r"[\"']?\s{0,3}(?:=>|:=|=|:)\s{0,3}([\"'`]?)([^\s\"'`,;]{8,200})\1"
)
_PLACEHOLDER = re.compile(
    r"(?i)^[<{\[$%(]|example|sample|placeholder|changeme|your[_-]?|xxx|\*\*\*|\.\.\.|dummy|redacted"
    r"|test(?:ing)?[_-]?(?:key|token|password)|getenv|environ|process\.env|self\.|config|input\("
)
_LOWEST_ENTROPY = 3.0  # bits a character; English words in one run have about 2.5 to 3


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Quarantine rows that hold a key, a token or a password; one finding for each kind."""
    hits: dict[str, list[tuple[int, str, int, int, str]]] = defaultdict(list)
    for row, place, text in sheet.fields():
        for kind, start, end in secrets(text):
            hits[kind].append((row, place, start, end, masked(text[start:end])))
    for kind, places in hits.items():
        rows = tuple(dict.fromkeys(row for row, *_ in places))
        where: list[Json] = [
            {"row": row, "field": place, "start": start, "end": end, "masked": value}
            for row, place, start, end, value in places[:50]
        ]
        yield Found(
            "secrets",
            "quarantine",
            rows,
            f"{naming(rows).capitalize()}: there is what looks like {kind}.",
            "Revoke it where it was issued, then send the row again without it.",
            {"kind": kind, "places": where},
        )


def secrets(text: str) -> list[tuple[str, int, int]]:
    """Every secret in a text: its kind, where it begins and where it ends."""
    hits: list[tuple[str, int, int]] = []
    if _HINTS.search(text):
        for kind, form in _KNOWN.items():
            for match in form.finditer(text):
                if _free(match.span(), hits) and not _PLACEHOLDER.search(match[0]):
                    hits.append((kind, *match.span()))
    for match in _ASSIGNED.finditer(text):
        value, span = match[2], match.span(2)
        if _free(span, hits) and looks_random(value) and not _PLACEHOLDER.search(value):
            hits.append(("a password or key in an assignment", *span))
    return sorted(hits, key=lambda hit: hit[1])


def looks_random(value: str) -> bool:
    """Too mixed to be a word: high entropy, and signs of at least three sorts or many digits."""
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    sorts = sum(
        any(test(sign) for sign in value)
        for test in (str.islower, str.isupper, str.isdecimal, lambda sign: not sign.isalnum())
    )
    figures = sum(map(str.isdecimal, value))
    return entropy >= _LOWEST_ENTROPY and (
        sorts >= 3 or (sorts == 2 and figures >= 3 and len(value) >= 12)
    )


def _free(span: tuple[int, int], hits: list[tuple[str, int, int]]) -> bool:
    return all(span[1] <= start or end <= span[0] for _, start, end in hits)
