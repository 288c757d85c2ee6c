"""Every setting of the site, from top to bottom.

What differs between machines is one typed line (`env_int("CANARY_PERCENT", 1)`). A value that
cannot be read, and in production a value that must not stand, stops the site at start, with one
sentence for each that names the mend.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from kombu import Queue

from flywheel import services
from flywheel.addresses import (
    AddressRefused,
    BrokerAddress,
    DatabaseAddress,
    parse_database_url,
    parse_redis_url,
)
from flywheel.environment import Environment

environment = Environment(os.environ)
env_str, env_bool, env_int = environment.text, environment.flag, environment.number
env_path, env_list = environment.path, environment.words

# -- Where we are ---------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parents[2]
ENVIRONMENT = env_str(
    "OPENFLYWHEEL_ENV", "development", choices=("development", "test", "production")
)
PRODUCTION, TESTING = ENVIRONMENT == "production", ENVIRONMENT == "test"

# Everything the site writes lies here; the tests have services and files of their own.
VAR_DIR = env_path("VAR_DIR", BASE_DIR / "var" / ("test" if TESTING else ""))
ARTIFACTS_DIR = env_path("ARTIFACTS_DIR", VAR_DIR / "artifacts")

# -- Who may come in ------------------------------------------------------------------------------

DEFAULT_SECRET_KEY = "for development only: anybody can read this in the repository"  # noqa: S105
SECRET_KEY = env_str("SECRET_KEY", DEFAULT_SECRET_KEY)
DEBUG = env_bool("DEBUG", not PRODUCTION and not TESTING)
ALLOWED_HOSTS = env_list(
    "ALLOWED_HOSTS", () if PRODUCTION else ("localhost", "127.0.0.1", "[::1]", "testserver")
)
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
SITE_URL = env_str("SITE_URL", "" if PRODUCTION else "http://127.0.0.1:8000")
# How many proxies that we run stand before us, each adding one address to X-Forwarded-For.
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 0, at_least=0, at_most=5)
# Multiplies every rate limit and daily quota; 0 switches them off. On a machine for development
# one person plays everybody (the demonstration signs up all its people from one address).
LIMITS_FACTOR = env_int("LIMITS_FACTOR", 1 if PRODUCTION else 1000, at_least=0, at_most=10_000)

# -- What the site is made of: code looks left (up), never right (down) ---------------------------

INSTALLED_APPS = [
    "apps.accounts",
    "apps.history",
    "apps.skills",
    "apps.traces",
    "apps.contributions",
    "apps.checks",
    "apps.reviews",
    "apps.builds",
    "apps.rollouts",
    "apps.community",
    "apps.api",
    "apps.gateway",
    "apps.pages",
    "django.contrib.auth",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.openid_connect",
    "flywheel",
    "django.contrib.admin",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "flywheel.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.pages.middleware.ErrorPages",
    "apps.pages.visitors.Visitors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.pages.languages.Languages",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.denials.DenialsAreLogged",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "flywheel.urls"
WSGI_APPLICATION = "flywheel.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# -- Database -------------------------------------------------------------------------------------

DATABASE_IS_EMBEDDED = not env_str("DATABASE_URL")
BROKER_IS_EMBEDDED = not env_str("REDIS_URL")
START_SERVICES = "The embedded services do not run: start them with `manage.py services start`."

# Until the first start nobody listens on these, so the first query fails and says what to start.
database = DatabaseAddress(name="openflywheel", host=str(VAR_DIR / "services"))
broker = BrokerAddress(path=str(VAR_DIR / "services" / "valkey.sock"))
try:
    embedded = services.recorded(VAR_DIR)
    if database_url := env_str("DATABASE_URL", embedded.database_url if embedded else ""):
        database = parse_database_url(database_url)
    if redis_url := env_str("REDIS_URL", embedded.redis_url if embedded else ""):
        broker = parse_redis_url(redis_url)
except (AddressRefused, services.ServiceRefused) as refusal:
    environment.refuse(str(refusal))

# Each connection plans a statement once it has met it twice: on the paths that everybody waits for
# planning took longer than carrying out. Switch it off behind a pooler that hands one connection to
# many and knows nothing of prepared statements (PgBouncer before 1.21, in transaction mode).
PREPARED = {"server_side_binding": True, "prepare_threshold": 2}
DATABASE_OPTIONS = PREPARED if env_bool("DATABASE_PREPARES", True) else {}
DATABASES = {
    "default": {
        **database.as_django(),
        "ENGINE": "flywheel.database",
        "OPTIONS": {**dict(database.options), **DATABASE_OPTIONS},
        "WHEN_DOWN": START_SERVICES if DATABASE_IS_EMBEDDED else "",
        "CONN_MAX_AGE": env_int("DATABASE_CONNECTION_SECONDS", 60, at_least=0),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Broker, queues, clock ------------------------------------------------------------------------

REDIS_URL = broker.url
# Every key we write begins so: one server may have other guests, or two sites of ours.
QUEUE_PREFIX = env_str("QUEUE_PREFIX", "openflywheel")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": broker.url,
        "KEY_PREFIX": QUEUE_PREFIX,
    }
}

CELERY_BROKER_URL = broker.for_celery
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A message whose worker died with its whole machine comes back after this; leases in the database
# notice within seconds, so this is only the last net.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": env_int("BROKER_VISIBILITY_SECONDS", 3600, at_least=60),
    "global_keyprefix": f"{QUEUE_PREFIX}:",
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_QUEUES = (Queue("default"), Queue("gpu"))
CELERY_TASK_DEFAULT_QUEUE = "default"
# A queue misspelt in a task fails at once instead of filling a queue that nobody reads.
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "beat-schedule")
# What the clock sets off, and how often (seconds): each is a no-op where there is nothing to do.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep the outbox": {"task": "apps.history.tasks.sweep_outbox", "schedule": 10.0},
    "check what waits": {"task": "apps.checks.tasks.check_waiting", "schedule": 2.0},
    "find evidence": {"task": "apps.reviews.evidence.tasks.find_evidence", "schedule": 3.0},
    "find builds": {"task": "apps.builds.tasks.find_builds", "schedule": 2.0},
    "look at rollouts": {"task": "apps.rollouts.tasks.look_at_rollouts", "schedule": 2.0},
    "sweep drafts": {"task": "apps.contributions.tasks.sweep_drafts", "schedule": 3600.0},
    "load versions": {"task": "apps.rollouts.tasks.load_wanted_versions", "schedule": 15.0},
    "trust whom the rule trusts": {
        "task": "apps.reviews.tasks.trust_whom_the_rule_trusts",
        "schedule": 600.0,
    },
    "pull what waits for review": {
        "task": "apps.reviews.tasks.pull_what_waits",
        "schedule": 2.0,
    },
    "measure the queue": {"task": "apps.reviews.tasks.measure_the_queue", "schedule": 300.0},
    "find ties": {"task": "apps.reviews.tasks.find_ties", "schedule": 60.0},
    "carry out verdicts": {"task": "apps.reviews.tasks.carry_out_verdicts", "schedule": 2.0},
    "close rounds": {"task": "apps.reviews.tasks.close_rounds", "schedule": 600.0},
    "reckon agreement": {
        "task": "apps.reviews.tasks.reckon_agreement",
        "schedule": crontab(minute=15, hour=2),
    },
    "tell people and programs": {"task": "apps.community.tasks.tell", "schedule": 2.0},
    "deliver webhooks": {"task": "apps.community.tasks.deliver_webhooks", "schedule": 2.0},
    "forget old deliveries": {
        "task": "apps.community.tasks.forget_old_deliveries",
        "schedule": crontab(minute=30, hour=3),
    },
    "forget old answers": {"task": "apps.api.tasks.forget_old_answers", "schedule": 3600.0},
    "keep in step with argilla": {
        "task": "apps.reviews.argilla.tasks.keep_in_step",
        "schedule": 5.0,
    },
    "gather feedback": {"task": "apps.contributions.tasks.gather_feedback", "schedule": 600.0},
    "make months for feedback": {"task": "apps.traces.tasks.make_months", "schedule": 3600.0},
    "give up on senders": {"task": "apps.traces.tasks.give_up_on_senders", "schedule": 3600.0},
    "plan the week's builds": {
        "task": "apps.builds.tasks.plan_weekly_builds",
        "schedule": crontab(minute=0, hour=18, day_of_week="fri"),
    },
}
# A ring that has waited behind others is worthless: the next one is already on its way.
for entry in CELERY_BEAT_SCHEDULE.values():
    if isinstance(entry["schedule"], float):
        entry["options"] = {"expires": 5 * entry["schedule"]}

# -- The loop -------------------------------------------------------------------------------------

BASE_MODEL = env_str("BASE_MODEL", str(BASE_DIR / "training" / "starter" / "model"))
# The name under which the runtime serves the base model, and the first version's name.
BASE_NAME = env_str("BASE_NAME", "starter")
UPSTREAM_URL = env_str("UPSTREAM_URL", "http://127.0.0.1:8100")
UPSTREAM_SECONDS = env_int("UPSTREAM_SECONDS", 60, at_least=1)
LEASE_SECONDS = env_int("LEASE_SECONDS", 20, at_least=5)
HEARTBEAT_SECONDS = env_int("HEARTBEAT_SECONDS", 5, at_least=1)
CANARY_PERCENT = env_int("CANARY_PERCENT", 1, at_least=1, at_most=50)
if HEARTBEAT_SECONDS * 2 > LEASE_SECONDS:
    environment.refuse(
        f"HEARTBEAT_SECONDS is {HEARTBEAT_SECONDS} and LEASE_SECONDS {LEASE_SECONDS}: a lease must "
        "outlive two heartbeats; raise LEASE_SECONDS."
    )

# -- Mail and webhooks ----------------------------------------------------------------------------

# Without a mail server, mails are written as files under var/mail, to be read.
EMAIL_HOST = env_str("EMAIL_HOST")
EMAIL_PORT = env_int("EMAIL_PORT", 587, at_least=1, at_most=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env_str("EMAIL_USER"), env_str("EMAIL_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_TLS", True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env_str("EMAIL_FROM", "OpenFlywheel <no-reply@localhost>")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
# Webhooks to our own network, for a receiver on the same machine; strangers could look around.
WEBHOOKS_MAY_CALL_INSIDE = env_bool("WEBHOOKS_MAY_CALL_INSIDE", False)

# -- Argilla, the other review desk ---------------------------------------------------------------

# Off while the address is empty. The key is an owner's; its secret is the webhook's own.
ARGILLA_API_URL, ARGILLA_API_KEY = env_str("ARGILLA_API_URL"), env_str("ARGILLA_API_KEY")
ARGILLA_WEBHOOK_SECRET = env_str("ARGILLA_WEBHOOK_SECRET")
ARGILLA_WORKSPACE = env_str("ARGILLA_WORKSPACE", "openflywheel")
if bool(ARGILLA_API_URL) != bool(ARGILLA_API_KEY):
    environment.refuse("ARGILLA_API_URL and ARGILLA_API_KEY go together; set both, or neither.")
argilla = urlsplit(ARGILLA_API_URL)
if ARGILLA_API_URL and (
    argilla.scheme not in ("http", "https") or not argilla.hostname or argilla.username
):
    environment.refuse(
        "ARGILLA_API_URL is no plain http address; write https://host, without a name or password."
    )

# -- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.PeopleOnly"]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Signing in: django-allauth. A name and a password are enough; an address is optional, and what
# is answered tells nobody whether an address has an account ("strict").
ACCOUNT_ADAPTER = "apps.accounts.signing.SigningIn"
ACCOUNT_FORMS = {"login": "apps.accounts.forms.SignIn", "signup": "apps.accounts.forms.SignUp"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "email"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "OpenFlywheel: "
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # this session stays; all others end (Django's own hash)
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = env_int("FRESH_SECONDS", 600, at_least=60, at_most=3600)
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# Guesses and sign-ups are counted in our own book (apps.accounts.guessing), one for pages and API.
ACCOUNT_RATE_LIMITS: dict[str, str | None] | bool = (
    False if TESTING else {"login": None, "login_failed": None, "signup": None}
)

MFA_ADAPTER = "apps.accounts.signing.SecondFactor"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Browsers allow passkeys without TLS for localhost alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
MFA_RECOVERY_CODE_COUNT = 10

SOCIALACCOUNT_ADAPTER = "apps.accounts.signing.SigningInElsewhere"
SOCIALACCOUNT_FORMS = {"signup": "apps.accounts.forms.SignUpElsewhere"}
SOCIALACCOUNT_AUTO_SIGNUP = False  # everybody picks the name under which they appear
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_QUERY_EMAIL = False
# Each button of the sign-in page stands there only when its lines are set.
GITHUB_CLIENT_ID, GITHUB_SECRET = env_str("GITHUB_CLIENT_ID"), env_str("GITHUB_SECRET")
OIDC_SERVER_URL, OIDC_NAME = env_str("OIDC_SERVER_URL"), env_str("OIDC_NAME", "Single sign-on")
OIDC_CLIENT_ID, OIDC_SECRET = env_str("OIDC_CLIENT_ID"), env_str("OIDC_SECRET")
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {}
if bool(GITHUB_CLIENT_ID) != bool(GITHUB_SECRET):
    environment.refuse("GITHUB_CLIENT_ID and GITHUB_SECRET go together; set both, or neither.")
elif GITHUB_CLIENT_ID:
    SOCIALACCOUNT_PROVIDERS["github"] = {
        "APPS": [{"client_id": GITHUB_CLIENT_ID, "secret": GITHUB_SECRET}],
        "OAUTH_PKCE_ENABLED": True,
    }
if len({bool(OIDC_SERVER_URL), bool(OIDC_CLIENT_ID), bool(OIDC_SECRET)}) > 1:
    environment.refuse("OIDC_SERVER_URL, OIDC_CLIENT_ID and OIDC_SECRET go together; set all.")
elif OIDC_SERVER_URL:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "APPS": [
            {
                "provider_id": "sso",
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT_ID,
                "secret": OIDC_SECRET,
                "settings": {"server_url": OIDC_SERVER_URL, "oauth_pkce_enabled": True},
            }
        ],
    }

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "OpenFlywheel",
    "DESCRIPTION": "The people who use a model improve it: contribute, review, build, roll out.",
    "VERSION": "1",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/"}],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["apps.gateway.schema.described", "apps.api.enumerations.named"],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

LANGUAGE_CODE = "en"
# Each language named in itself, for those who cannot read the one they see.
LANGUAGES = [("en", "English"), ("tr", "Türkçe"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = True, "Lax"
TIME_ZONE = "UTC"
USE_TZ = True

# -- Static files: no build step ------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = env_path("STATIC_ROOT", VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Outside production files are served from where they lie; production serves what collectstatic
# has gathered and named by content.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
MEDIA_ROOT = env_path("MEDIA_ROOT", VAR_DIR / "media")
DATA_UPLOAD_MAX_MEMORY_SIZE = env_int("UPLOAD_BYTES", 64 * 1024 * 1024, at_least=1024)

# -- What browsers may do -------------------------------------------------------------------------

FORM_TARGETS = [
    *(["https://github.com"] if GITHUB_CLIENT_ID else []),
    *(["{0.scheme}://{0.netloc}".format(urlsplit(OIDC_SERVER_URL))] if OIDC_SERVER_URL else []),
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        # Where a sign-in button may lead: browsers hold redirects of a form to this list too.
        "form-action": [SELF, *FORM_TARGETS],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("SESSION_COOKIE_SECURE", PRODUCTION)
LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_SSL_REDIRECT = env_bool("SSL_REDIRECT", PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000 if PRODUCTION else 0, at_least=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if PRODUCTION and TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# -- Logs -----------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"named": {"()": "flywheel.request_ids.Named"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} [{request_id}]: {message}", "style": "{"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["named"],
        }
    },
    # The clock rings every two seconds; only what goes wrong is worth a line.
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("httpx", "celery.app.trace", "celery.worker.strategy", "celery.beat")
    },
    "root": {
        "handlers": ["stderr"],
        "level": env_str("LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")),
    },
}

# -- Last: what production must not start with ----------------------------------------------------

if PRODUCTION:
    make_one = 'make one with `python -c "import secrets; print(secrets.token_urlsafe(50))"`.'
    if SECRET_KEY == DEFAULT_SECRET_KEY or len(SECRET_KEY) < 50:
        environment.refuse(f"SECRET_KEY is missing or shorter than 50 characters; {make_one}")
    elif len(set(SECRET_KEY)) < 3:
        environment.refuse(f"SECRET_KEY repeats few characters; {make_one}")
    elif SECRET_KEY.startswith("django-insecure-"):
        environment.refuse(f"SECRET_KEY begins with django-insecure-; {make_one}")
    if DEBUG:
        environment.refuse("DEBUG is on, which shows secrets in error pages; set DEBUG=0.")
    if not ALLOWED_HOSTS:
        environment.refuse("ALLOWED_HOSTS is empty; set it to the names this site answers to.")
    if any("*" in host or host == "." for host in ALLOWED_HOSTS):
        environment.refuse("ALLOWED_HOSTS has a wildcard; name the hosts this site answers to.")
    if not SITE_URL.startswith("https://"):
        environment.refuse("SITE_URL does not begin with https://; set it to the public address.")
    if not all(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS):
        environment.refuse("CSRF_TRUSTED_ORIGINS has an origin that is not https://; remove it.")
    if not (SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE):
        environment.refuse(
            "SESSION_COOKIE_SECURE is off; leave it unset, or sessions travel unencrypted."
        )
    if not (SECURE_SSL_REDIRECT or TRUSTED_PROXIES):
        environment.refuse(
            "SSL_REDIRECT is off and TRUSTED_PROXIES is 0; set SSL_REDIRECT=1, or TRUSTED_PROXIES "
            "to the number of proxies that end TLS before this site."
        )
    if not SECURE_HSTS_SECONDS:
        environment.refuse("HSTS_SECONDS is 0; set it to 31536000, or leave it unset.")
    if DATABASE_IS_EMBEDDED:
        environment.refuse(
            "DATABASE_URL is not set, and the embedded PostgreSQL is for development; set it to "
            "postgresql://user:password@host:5432/name."
        )
    elif not database.password and not database.host.startswith("/"):
        environment.refuse("DATABASE_URL has no password; give the database user one.")
    elif database.password in {"postgres", "password", "openflywheel", database.user} - {""}:
        environment.refuse("DATABASE_URL has a password that anybody would try; choose another.")
    if BROKER_IS_EMBEDDED:
        environment.refuse(
            "REDIS_URL is not set, and the embedded Valkey is for development; set it to "
            "redis://:password@host:6379/0."
        )
    elif not broker.password and not broker.path:
        environment.refuse("REDIS_URL has no password; set requirepass and put it in the URL.")
    if not env_str("UPSTREAM_URL"):
        environment.refuse("UPSTREAM_URL is not set; set it to where vLLM or the runtime answers.")
if not UPSTREAM_URL.startswith(("http://", "https://")):
    environment.refuse(f"UPSTREAM_URL is {UPSTREAM_URL!r}; write http://host:port.")

environment.refuse_if_unfit()
