"""What to do about each kind of problem; GET /api/v1/problems/{code} shows it."""

from __future__ import annotations

SIGNED_IN = "Send “Authorization: Bearer ofw_pat_…”; POST /api/v1/tokens makes a token."
READ_AGAIN = "GET it again, look at what has changed, and repeat the step if it still makes sense."
LATER = "Wait for the seconds that Retry-After gives, then send the same request again."
LOOK_CLOSELY = "Mend what `errors` points at, and send it again."
ANOTHER_ROLE = "Ask somebody whose role includes it; GET /api/v1/me says what yours is."

MENDS: dict[str, str] = {
    "account_refused": "Follow the sentence in `detail`: it names the rule that the name or "
    "password breaks.",
    "affiliated": "Somebody else has to decide on it; `detail` says what ties you to the author.",
    "argilla_off": "The operator connects one with ARGILLA_API_URL and ARGILLA_API_KEY.",
    "bad_credentials": "Check the name (capital letters count) and the password.",
    "bad_encoding": "Send the body with `Content-Encoding: gzip`, whole, or without packing.",
    "bad_fields": LOOK_CLOSELY,
    "bad_file": "Send JSONL, JSON, CSV, TSV or Parquet; `detail` names the line that is not.",
    "bad_json": "Send strict JSON: UTF-8, no NaN, no key twice; `errors` has the place.",
    "bad_parameter": "Mend the parameter or header that `detail` names.",
    "bad_request": "Send the request as `detail` describes.",
    "bad_signature": "Sign as Standard Webhooks has it, with the webhook's secret, and send it "
    "within five minutes.",
    "bad_token": "Copy the token again, whole; if it was revoked or has expired, make a new one.",
    "bad_webhook": "Follow the sentence in `detail`: it says what the address must be.",
    "batch_taken": "Send other rows under another batch name, or as a revision of that PR.",
    "body_cut_off": "Send the whole body again; fewer bytes came than Content-Length announced.",
    "build_refused": READ_AGAIN,
    "changed_since": "GET the resource for its new ETag, look at what changed, and edit again.",
    "channel_busy": "Wait until the rollout under way has ended, or stop it first.",
    "claimed_by_another": "Take the next one from the queue, or wait until the claim runs out.",
    "community_refused": "Follow the sentence in `detail`.",
    "contribution_refused": "Follow the sentence in `detail`.",
    "database_away": LATER,
    "empty_body": "Send at least one row: NDJSON, a JSON list, or an object with “items”.",
    "habit_refused": "Follow the sentence in `detail`.",
    "if_match_missing": "GET the resource, and send its ETag as If-Match with the edit.",
    "key_missing": "Send `Idempotency-Key: <a new UUID>`, or a `batch` name with the rows.",
    "key_reused": "Make a new key for each new request; keep the old one for repeating the old.",
    "last_administrator": "Appoint another administrator first.",
    "length_required": "Send the body with Content-Length instead of in chunks.",
    "locked": "The team has closed the conversation; say it in another PR, or ask them.",
    "method_not_allowed": "Use one of the methods in the Allow header.",
    "move_refused": READ_AGAIN,
    "name_reserved": "Choose another name; this one belongs to the system itself.",
    "name_taken": "Choose another name, or sign in if it is yours.",
    "no_model_line": "The operator founds a line with `manage.py found_starter`.",
    "not_a_release_manager": ANOTHER_ROLE,
    "not_a_reviewer": ANOTHER_ROLE,
    "not_acceptable": "Ask for application/json, or send no Accept header.",
    "not_allowed": ANOTHER_ROLE,
    "not_fresh": "Show your passkey or code again on the site's pages, then send it once more.",
    "not_for_you": ANOTHER_ROLE,
    "not_found": "Check the number in the address; what you may not see looks like what is not "
    "there. GET /api/v1/ lists the addresses.",
    "not_yours": "Only its author can do this; comment to suggest it to them.",
    "nothing_to_build": "Accept PRs first, or lift a hold.",
    "nothing_usable": LOOK_CLOSELY,
    "outdated": READ_AGAIN,
    "own_work": "Somebody else has to decide on it.",
    "quota_reached": "Send the rest when `detail` says, or in fewer and larger PRs; the quota "
    "grows with trust.",
    "reason_missing": "Say why in “because”: what should the contributor do next?",
    "request_under_way": LATER,
    "review_refused": READ_AGAIN,
    "rollout_refused": READ_AGAIN,
    "sample_missing": "Judge the rows of its sample at the desk first, or ask for changes.",
    "scope_missing": "Make a token that carries the scope which `detail` names.",
    "server_error": "Report it with the request id. Sending it again with the same "
    "Idempotency-Key is safe.",
    "stale": READ_AGAIN,
    "terms_missing": "Give licence, consent and “signed_off”: true.",
    "token_missing": SIGNED_IN,
    "too_large": "Send the rows in several requests, or packed with gzip.",
    "too_many_requests": LATER,
    "too_many_tries": LATER,
    "unfit_build": "Roll out a build that is ready and whose comparison it has passed.",
    "unknown_api_version": "Send one of the versions of GET /api/v1/versions, or no header.",
    "unknown_skill": "Use one of GET /api/v1/skills, or leave it out.",
    "unknown_trace": "Use the id of an answer of this site, such as tr_42.",
    "unknown_version": "Use a name of GET /v1/models.",
    "unsupported_media_type": "Send application/json (or, for rows, application/x-ndjson).",
    "upstream_refused": LATER,
    "voice_is_in": "Wait until the other verdicts are in; take the next item meanwhile.",
}


def mend_of(code: str) -> str:
    """What to do about a problem."""
    return MENDS[code]
