"""The sample organisation: its teams, accounts and the bills that it receives."""

from dataclasses import dataclass

COMPANY = "Halden Retail Group"


@dataclass(frozen=True)
class Team:
    """A cost owner.

    `growth` is the usual change of its spend in a month; `typos` are spellings that only an alias resolves.
    """

    name: str
    cost_center: str
    owner: str
    projects: tuple[str, ...]
    growth: float
    typos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Account:
    """A sub-account.

    `monthly` is its list-price usage in a month at the end of the window, `mix` how that splits over services.
    """

    account_id: str
    name: str
    monthly: float
    mix: dict[str, float]
    teams: dict[str, float]
    tagged: float
    mapped_to: str | None = None
    project: str | None = None
    environment: str = "production"


@dataclass(frozen=True)
class Source:
    """One bill: who sends it, in which format, from which paying account and how many lines a day at factor 1."""

    name: str
    format: str
    payer_id: str
    payer_name: str
    currency: str
    issuer: str
    export: str
    prefix: str
    regions: tuple[str, ...]
    accounts: tuple[Account, ...]
    lines_per_day: int


TEAMS = (
    Team(
        "Payments", "CC-1010", "payments-lead@halden.example", ("ledger", "card-gateway"), 0.022, ("paymnts", "payment")
    ),
    Team("Checkout", "CC-1020", "checkout-lead@halden.example", ("basket", "promotions"), 0.012, ("chekout",)),
    Team("Search", "CC-1030", "search-lead@halden.example", ("relevance", "catalogue-index"), 0.018, ("serach",)),
    Team("Mobile", "CC-1040", "mobile-lead@halden.example", ("app-backend", "push"), 0.030, ("mobile-app",)),
    Team(
        "Data Platform",
        "CC-2010",
        "data-lead@halden.example",
        ("lakehouse", "reporting"),
        0.028,
        ("data-platform", "dataplatform"),
    ),
    Team(
        "Machine Learning",
        "CC-2020",
        "ml-lead@halden.example",
        ("recommendations", "assistant"),
        0.055,
        ("ML", "machine-learning"),
    ),
    Team("Logistics", "CC-3010", "logistics-lead@halden.example", ("routing", "warehouse"), 0.008, ("logistic",)),
    Team(
        "Platform Engineering",
        "CC-9010",
        "platform-lead@halden.example",
        ("clusters", "landing-zone"),
        0.015,
        ("platform-eng",),
    ),
)
TEAM = {team.name: team for team in TEAMS}

# Values that no list of teams knows: they stay visible as unallocated or as unknown owners.
STRAY_TEAMS = ("tbd", "hackweek-24")

_WEB = {
    "ec2": 0.36,
    "rds": 0.14,
    "lambda": 0.12,
    "dynamodb": 0.10,
    "ebs": 0.08,
    "s3": 0.04,
    "cloudwatch": 0.08,
    "transfer": 0.08,
}
_DATA = {"ec2": 0.42, "s3": 0.22, "rds": 0.10, "ebs": 0.12, "cloudwatch": 0.06, "transfer": 0.08}
_ML = {"ec2": 0.44, "bedrock": 0.34, "s3": 0.10, "ebs": 0.08, "cloudwatch": 0.04}
_NETWORK = {"nat": 0.52, "transfer": 0.42, "cloudwatch": 0.06}
_CLUSTER = {"ec2": 0.66, "eks": 0.04, "ebs": 0.12, "nat": 0.06, "cloudwatch": 0.12}
_MIXED = {"ec2": 0.45, "rds": 0.15, "s3": 0.12, "ebs": 0.10, "lambda": 0.08, "cloudwatch": 0.10}
_AZURE = {"vm": 0.52, "storage": 0.12, "sql": 0.16, "logs": 0.10, "openai": 0.06, "bandwidth": 0.04}

MAIN_PAYER = "004815162342"
SUBSIDIARY_PAYER = "099887766554"

AWS_MAIN = Source(
    name="aws_main",
    format="cur",
    payer_id=MAIN_PAYER,
    payer_name="halden-management",
    currency="USD",
    issuer="Amazon Web Services, Inc.",
    export="halden-cur2",
    prefix="cur2",
    regions=("eu-west-1", "us-east-1"),
    accounts=(
        Account(MAIN_PAYER, "halden-management", 600, {"s3": 0.5, "cloudwatch": 0.5}, {"Platform Engineering": 1}, 0.5),
        Account("011235813213", "halden-network", 27_000, _NETWORK, {"Platform Engineering": 1}, 0.7),
        Account(
            "027182818284",
            "halden-platform",
            42_000,
            _CLUSTER,
            {"Platform Engineering": 0.4, "Payments": 0.16, "Checkout": 0.16, "Search": 0.16, "Mobile": 0.12},
            0.92,
            "Platform Engineering",
            "clusters",
        ),
        Account(
            "100200300401", "halden-payments", 66_000, _WEB, {"Payments": 0.94, "Checkout": 0.06}, 0.90, "Payments"
        ),
        Account("100200300402", "halden-checkout", 50_000, _WEB, {"Checkout": 1}, 0.86, "Checkout"),
        Account("000314159265", "halden-search", 58_000, _WEB, {"Search": 0.95, "Data Platform": 0.05}, 0.91, "Search"),
        Account(
            "100200300404",
            "halden-data",
            84_000,
            _DATA,
            {"Data Platform": 0.85, "Machine Learning": 0.15},
            0.9,
            "Data Platform",
        ),
        Account("100200300405", "halden-ml", 72_000, _ML, {"Machine Learning": 1}, 0.88, "Machine Learning"),
        Account(
            "061803398874",
            "halden-sandbox",
            18_000,
            _MIXED,
            {"Search": 0.3, "Machine Learning": 0.4, "Checkout": 0.3},
            0.35,
            environment="sandbox",
        ),
    ),
    lines_per_day=434,
)
AWS_SUBSIDIARY = Source(
    name="aws_subsidiary",
    format="focus",
    payer_id=SUBSIDIARY_PAYER,
    payer_name="brightparcel-management",
    currency="USD",
    issuer="Amazon Web Services EMEA SARL",
    export="brightparcel-focus",
    prefix="focus",
    regions=("eu-central-1",),
    accounts=(
        Account(SUBSIDIARY_PAYER, "brightparcel-management", 150, {"s3": 1.0}, {"Platform Engineering": 1}, 0.5),
        Account("200300400501", "brightparcel-logistics", 38_000, _WEB, {"Logistics": 1}, 0.9, "Logistics"),
        Account("000300400502", "brightparcel-mobile", 24_000, _WEB, {"Mobile": 1}, 0.87, "Mobile"),
        Account("200300400503", "brightparcel-shared", 12_000, _MIXED, {"Logistics": 0.6, "Mobile": 0.4}, 0.55),
    ),
    lines_per_day=180,
)
AZURE = Source(
    name="azure",
    format="focus",
    payer_id="/providers/Microsoft.Billing/billingAccounts/8611537",
    payer_name="Halden Retail Group",
    currency="EUR",
    issuer="Microsoft",
    export="azure",
    prefix="",
    regions=("westeurope",),
    accounts=(
        Account(
            "/subscriptions/c3a8be51-64f7-4d2e-8b0a-e94d1f27a903",
            "corporate-it",
            5_000,
            _AZURE,
            {"Platform Engineering": 1},
            0.4,
        ),
        Account(
            "/subscriptions/0b6c9f0e-3a52-4e0c-9d57-1f6a0c5d7a11",
            "mobile-production",
            15_000,
            _AZURE,
            {"Mobile": 1},
            0.9,
            "Mobile",
        ),
        Account(
            "/subscriptions/7d1e44a2-90c8-4f9b-b1f5-52c7f3b8ee02",
            "analytics-eu",
            18_000,
            _AZURE,
            {"Data Platform": 0.8, "Machine Learning": 0.2},
            0.88,
            "Data Platform",
        ),
    ),
    lines_per_day=105,
)
SOURCES = (AWS_MAIN, AWS_SUBSIDIARY, AZURE)
SOURCE = {source.name: source for source in SOURCES}

# How keys and values are really written: most people follow the convention, the rest do not.
TAG_KEYS = {
    "team": (("team", 0.78), ("Team", 0.12), ("TEAM", 0.06), ("owner-team", 0.04)),
    "cost_center": (("cost_center", 0.60), ("cost-center", 0.25), ("CostCenter", 0.15)),
    "project": (("project", 0.85), ("Project", 0.15)),
    "environment": (("environment", 0.65), ("env", 0.35)),
}
TAG_ALIASES = {"team": ["owner-team"], "cost_center": ["costcenter"], "project": [], "environment": ["env", "stage"]}
ENVIRONMENTS = {
    "production": (("production", 0.7), ("prod", 0.3)),
    "staging": (("staging", 1.0),),
    "sandbox": (("sandbox", 1.0),),
}
