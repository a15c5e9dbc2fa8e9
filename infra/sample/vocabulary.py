"""What the sample company does: job families with their skills and duties, course topics and titles. All invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """A job family: its code, titles, skills that can be required, duties, and course topics it favours."""

    code: str
    titles: tuple[str, ...]
    skills: tuple[str, ...]
    duties: tuple[str, ...]
    topics: tuple[int, ...]
    pay: int


FAMILIES: tuple[Family, ...] = (
    Family(
        "CARE",
        ("Customer Care Specialist", "Service Desk Agent", "Client Support Advisor"),
        (
            "zendesk",
            "telephony",
            "complaint handling",
            "live chat",
            "ticketing",
            "onboarding calls",
            "refund processing",
            "knowledge base",
            "escalation",
            "salesforce service",
            "call scripting",
            "satisfaction surveys",
            "warranty claims",
            "quality monitoring",
        ),
        ("answer customers by phone, chat and mail", "solve open cases together with the warehouse"),
        (4, 0, 1),
        34_000,
    ),
    Family(
        "ENG",
        ("Backend Engineer", "Software Developer", "Platform Engineer"),
        (
            "python",
            "kubernetes",
            "postgresql",
            "terraform",
            "golang",
            "kafka",
            "docker",
            "linux",
            "graphql",
            "redis",
            "typescript",
            "code review",
            "unit testing",
            "observability",
        ),
        ("build and run the services behind our shop", "keep releases small, tested and boring"),
        (2, 3, 0),
        62_000,
    ),
    Family(
        "SALES",
        ("Account Manager", "Sales Representative", "Key Account Executive"),
        (
            "prospecting",
            "negotiation",
            "hubspot",
            "tender management",
            "cold calling",
            "pipeline forecasting",
            "contract drafting",
            "territory planning",
            "trade fairs",
            "upselling",
            "product demos",
            "price calculation",
            "partner management",
            "lead scoring",
        ),
        ("look after a portfolio of business customers", "win new customers in your region"),
        (5, 1, 4),
        45_000,
    ),
    Family(
        "OPS",
        ("Warehouse Coordinator", "Logistics Planner", "Supply Chain Analyst"),
        (
            "inventory control",
            "forklift licence",
            "sap wm",
            "route planning",
            "customs clearance",
            "lean methods",
            "cycle counting",
            "freight booking",
            "demand planning",
            "shift scheduling",
            "incoterms",
            "cold chain",
            "barcode systems",
            "safety audits",
        ),
        ("keep goods moving between our sites", "plan shifts, carriers and stock"),
        (8, 0, 4),
        38_000,
    ),
    Family(
        "DATA",
        ("Data Analyst", "Business Intelligence Developer", "Analytics Engineer"),
        (
            "sql",
            "tableau",
            "statistics",
            "dbt",
            "airflow",
            "spark",
            "power bi",
            "data modelling",
            "forecasting",
            "scikit-learn",
            "snowflake",
            "experimentation",
            "data quality",
            "dashboards",
        ),
        ("turn raw events into figures people trust", "own the reports of a business unit"),
        (3, 2, 6),
        55_000,
    ),
    Family(
        "FIN",
        ("Financial Accountant", "Controller", "Accounts Payable Clerk"),
        (
            "ifrs",
            "month-end closing",
            "payroll",
            "budgeting",
            "audit preparation",
            "vat returns",
            "cash management",
            "consolidation",
            "cost accounting",
            "sap fico",
            "dunning",
            "treasury",
            "fixed assets",
            "variance analysis",
        ),
        ("keep our books complete and on time", "explain the figures to those who run the business"),
        (6, 0, 3),
        48_000,
    ),
    Family(
        "MKT",
        ("Marketing Specialist", "Content Manager", "Campaign Planner"),
        (
            "copywriting",
            "google ads",
            "newsletter design",
            "brand strategy",
            "photoshop",
            "market research",
            "social media",
            "event planning",
            "seo",
            "video editing",
            "media buying",
            "press relations",
            "storytelling",
            "web analytics",
        ),
        ("plan campaigns from the brief to the figures", "write and edit what our customers read"),
        (7, 1, 5),
        43_000,
    ),
    Family(
        "HR",
        ("People Partner", "Recruiter", "Payroll Coordinator"),
        (
            "interviewing",
            "labour law",
            "workday",
            "onboarding",
            "job grading",
            "mediation",
            "absence management",
            "workforce planning",
            "employer branding",
            "training design",
            "collective bargaining",
            "benefits administration",
            "sourcing",
            "reference checks",
        ),
        ("advise managers and teams through the year", "run our people processes with care"),
        (9, 1, 0),
        46_000,
    ),
)

TOPICS = (
    "Compliance",
    "Communication",
    "Programming",
    "Analytics",
    "Customer Service",
    "Selling",
    "Finance",
    "Marketing",
    "Logistics",
    "Leadership",
)
LEVELS = ("Foundation", "Intermediate", "Advanced")
TITLES = (
    ("{} Essentials", "First Steps in {}"),
    ("{} in Practice", "{}, Methods and Tools"),
    ("Mastering {}", "{} for Experts"),
)


@dataclass(frozen=True, slots=True)
class HouseCourse:
    """A course of the company's own, as the learning system prints it: nobody has taken one yet."""

    code: str
    title: str
    topic: str
    level: str
    minutes: str
    is_active: str
    is_mandatory: str
    offered_from: str
    offered_until: str
    """Last day."""
    families: str
    """Codes with | between; empty is everybody."""
    renewal_months: str


HOUSE = (
    HouseCourse("HSE-001", "AI at Work", "Compliance", "Foundation", "45", "Yes", "Yes", "01.10.2026", "", "", "12"),
    HouseCourse(
        "HSE-002", "Data of Applicants", "Compliance", "Foundation", "60", "Yes", "Yes", "01.09.2026", "", "HR", "24"
    ),
    HouseCourse("HSE-003", "Year-end 2025", "Finance", "Foundation", "90", "Yes", "No", "", "31.01.2026", "FIN", ""),
    HouseCourse("HSE-004", "Typing with Ten Fingers", "Communication", "Foundation", "60", "No", "No", "", "", "", ""),
    HouseCourse(
        "HSE-005", "Access to Production", "Programming", "Foundation", "60", "Yes", "No", "", "", "DATA|ENG", ""
    ),
)
"""What the rules of recommending are seen at: due for all, due for some, over, withdrawn, for some only."""
