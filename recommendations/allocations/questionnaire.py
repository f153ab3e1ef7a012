"""A risk questionnaire and the profile its answers give. Pure.

    tolerance   sum of the points of the five questions on how a person takes losses
    capacity    sum of the points of the five questions on what losses their finances can bear
    level       of a sum from 5 to 20: 5-7, 8-10, 11-13, 14-16, 17-20 are the levels 1 to 5
    profile     the lower one of the two levels, never above a ceiling that a single answer sets

Where the method comes from; questions, points and limits are Ballast's own:

- Grable and Lytton, "Financial risk tolerance revisited: the development of a risk assessment
  instrument", Financial Services Review 8 (1999) 163-181: several scored questions, summed, measure
  tolerance better than one question; they ask about choices, experience and reactions to losses.
- ESMA, Guidelines on certain aspects of the MiFID II suitability requirements (ESMA35-43-3172):
  tolerance and the ability to bear losses are asked apart, the answers are checked against each
  other, and the ability to bear losses bounds the result.
- FINRA Rule 2111 and its supplementary material: the time horizon, the need for liquidity, the
  financial situation and the experience belong to an investment profile.

Worked example: tolerance 16 (level 4) and capacity 9 (level 2) are level 2, moderate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.errors import InvalidInput

# Raise it with every change of a question, of points, of levels or of limits.
METHOD = "ballast-risk-1"
TOLERANCE, CAPACITY = "tolerance", "capacity"

SOURCES = (
    "Grable, J. and Lytton, R. (1999): Financial risk tolerance revisited: the development of a "
    "risk assessment instrument. Financial Services Review 8, 163-181.",
    "ESMA (2023): Guidelines on certain aspects of the MiFID II suitability requirements, "
    "ESMA35-43-3172.",
    "FINRA Rule 2111, Suitability, and its supplementary material.",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A possible answer. ceiling: the highest level that whoever gives it can have."""

    id: str
    text: str
    points: int
    ceiling: int = 5


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    measures: str
    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A risk profile and its limits, as percentages of the portfolio and of a year."""

    name: str
    level: int
    volatility_max_percentage: Decimal
    equity_max_percentage: Decimal


@dataclass(frozen=True, slots=True)
class Caution:
    """Something the reader of a result must know: a stable code and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Assessed:
    """The result of a filled questionnaire."""

    profile: Profile
    tolerance: int
    capacity: int
    cautions: tuple[Caution, ...]


PROFILES = (
    Profile("conservative", 1, Decimal(5), Decimal(20)),
    Profile("moderate", 2, Decimal(8), Decimal(40)),
    Profile("balanced", 3, Decimal(12), Decimal(60)),
    Profile("growth", 4, Decimal(16), Decimal(80)),
    Profile("aggressive", 5, Decimal(25), Decimal(100)),
)
PROFILE_NAMES = tuple((profile.name, profile.name.capitalize()) for profile in PROFILES)
# The highest sum of each level.
_LEVEL_ENDS = (7, 10, 13, 16, 20)


def _question(identifier: str, measures: str, text: str, *choices: tuple[str, str]) -> Question:
    made = tuple(Choice(name, words, points) for points, (name, words) in enumerate(choices, 1))
    return Question(identifier, measures, text, made)


def _with_ceilings(question: Question, **ceilings: int) -> Question:
    made = tuple(
        Choice(one.id, one.text, one.points, ceilings.get(one.id, one.ceiling))
        for one in question.choices
    )
    return Question(question.id, question.measures, question.text, made)


QUESTIONS: tuple[Question, ...] = (
    _with_ceilings(
        _question(
            "horizon",
            CAPACITY,
            "When will you need a large part of this money?",
            ("under_3_years", "Within three years"),
            ("3_to_7_years", "In three to seven years"),
            ("7_to_15_years", "In seven to fifteen years"),
            ("over_15_years", "In more than fifteen years"),
        ),
        under_3_years=1,
        **{"3_to_7_years": 3},
    ),
    _with_ceilings(
        _question(
            "reserve",
            CAPACITY,
            "How many months of spending could you pay from savings outside this portfolio?",
            ("none", "Less than one month"),
            ("1_to_3_months", "One to three months"),
            ("3_to_12_months", "Three to twelve months"),
            ("over_12_months", "More than a year"),
        ),
        none=2,
    ),
    _question(
        "income",
        CAPACITY,
        "How sure is the income you live on over the next five years?",
        ("unsure", "It may stop, or I have none"),
        ("variable", "It goes up and down"),
        ("steady", "It is steady"),
        ("secure", "It is secure, and I save part of it"),
    ),
    _question(
        "share",
        CAPACITY,
        "How much of all you own is in this portfolio?",
        ("nearly_all", "Nearly all of it"),
        ("more_than_half", "More than half"),
        ("a_quarter_to_half", "A quarter to a half"),
        ("less", "Less than a quarter"),
    ),
    _question(
        "withdrawals",
        CAPACITY,
        "Will you live on withdrawals from this portfolio?",
        ("now", "Yes, already now"),
        ("soon", "Yes, in less than five years"),
        ("later", "Yes, but later"),
        ("no", "No, or only if I want to"),
    ),
    _question(
        "fall",
        TOLERANCE,
        "The portfolio loses a quarter of its value in four months. What do you do?",
        ("sell_all", "Sell everything, to lose no more"),
        ("sell_some", "Sell a part of it"),
        ("wait", "Leave it as it is"),
        ("buy", "Buy more at the lower prices"),
    ),
    _question(
        "range",
        TOLERANCE,
        "Which range of results for one year would you choose for 10,000?",
        ("narrow", "From 9,900 to 10,500"),
        ("medium", "From 9,400 to 11,200"),
        ("wide", "From 8,500 to 12,500"),
        ("widest", "From 7,000 to 15,000"),
    ),
    _question(
        "sure_or_chance",
        TOLERANCE,
        "You can have a sure gain, or toss a coin for a larger one or none. What do you take?",
        ("sure_500", "500 for sure"),
        ("coin_1200", "The coin for 1,200, but only once"),
        ("coin_1500", "The coin for 1,500"),
        ("coin_1100", "The coin for 1,100 as often as I may"),
    ),
    _question(
        "experience",
        TOLERANCE,
        "Which investments have you held through a year in which they lost value?",
        ("none", "None"),
        ("bonds", "Bonds or funds of bonds"),
        ("funds", "Funds of shares"),
        ("shares", "Single shares, or funds in more than one such year"),
    ),
    _question(
        "word",
        TOLERANCE,
        "Which word is nearest to what risk means to you?",
        ("loss", "Loss"),
        ("worry", "Uncertainty"),
        ("price", "The price of a return"),
        ("chance", "Opportunity"),
    ),
)


def assessed(answers: Mapping[str, str]) -> Assessed:
    """Return the profile of complete answers, by question the id of the choice.

    Raise InvalidInput with the code `answers_incomplete` or `answer_unknown`.
    """
    chosen = _chosen(answers)
    sums = {
        measure: sum(chosen[one.id].points for one in QUESTIONS if one.measures == measure)
        for measure in (TOLERANCE, CAPACITY)
    }
    levels = {measure: _level(total) for measure, total in sums.items()}
    ceiling = min(choice.ceiling for choice in chosen.values())
    level = min(*levels.values(), ceiling)
    return Assessed(
        PROFILES[level - 1],
        sums[TOLERANCE],
        sums[CAPACITY],
        tuple(_cautions(chosen, levels, ceiling)),
    )


def profile_named(name: str) -> Profile:
    """Return a profile by its name."""
    return next(profile for profile in PROFILES if profile.name == name)


def _chosen(answers: Mapping[str, str]) -> dict[str, Choice]:
    known = {question.id: {one.id: one for one in question.choices} for question in QUESTIONS}
    wrong = sorted(
        name for name in answers if name not in known or answers[name] not in known[name]
    )
    if wrong:
        raise InvalidInput(
            "Some answers are not among the choices. Read the questions again.",
            code="answer_unknown",
            fields={name[:100]: ["is not a question or not one of its choices"] for name in wrong},
        )
    missing = [question.id for question in QUESTIONS if question.id not in answers]
    if missing:
        raise InvalidInput(
            "Some questions have no answer. Answer all of them.",
            code="answers_incomplete",
            fields={name: ["has no answer"] for name in missing},
        )
    return {question.id: known[question.id][answers[question.id]] for question in QUESTIONS}


def _level(total: int) -> int:
    return next(level for level, end in enumerate(_LEVEL_ENDS, 1) if total <= end)


def _cautions(
    chosen: Mapping[str, Choice], levels: Mapping[str, int], ceiling: int
) -> list[Caution]:
    found = []
    if levels[TOLERANCE] - levels[CAPACITY] >= 2:
        found.append(
            Caution(
                "capacity_below_tolerance",
                "You accept more risk than your finances can bear. The profile follows what they "
                "can bear.",
            )
        )
    if levels[CAPACITY] - levels[TOLERANCE] >= 2:
        found.append(
            Caution(
                "tolerance_below_capacity",
                "Your finances could bear more risk than you want. The profile follows what you "
                "want.",
            )
        )
    if ceiling < min(levels.values()):
        found.append(
            Caution(
                "ceiling_applied",
                "A short horizon or a missing reserve lowers the profile, whatever the other "
                "answers are.",
            )
        )
    if chosen["fall"].points == 1 and chosen["range"].points >= 3:
        found.append(
            Caution(
                "answers_contradict",
                "You would sell everything after a fall of a quarter, but chose a range with such "
                "falls. Read both questions again.",
            )
        )
    return found
