"""Every key that a bundle may have. The reader, the JSON schema and the reference in docs/guardrails.md come from here.

Input: nothing. Output: `BUNDLE`, the form of `bundle.toml`; names of what a rule may be about. Refuses nothing.
"""

from __future__ import annotations

from klotho.guardrails.form import Day, Flag, Key, Named, Number, Plain, Table, Tables, Text, Texts

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_NAME_SAID = "lower-case words joined by `-`, such as `no-public-database`"
VERSION = r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})"
VERBS = (
    "reads_from",
    "writes_to",
    "read_writes_to",
    "calls",
    "attach_service",
    "exposes",
    "sends_to",
    "publishes_to",
    "consumes",
    "subscribes_to",
    "triggered_by",
    "authenticates_with",
    "uses",
)
INTERNET = "internet"
STATUSES = ("adopt", "trial", "hold", "retired")
TESTS = ("equals", "in", "not_in", "matches", "contains", "at_least", "at_most", "present")
SUBJECTS = ("resources", "constructs", "relationships", "path", "count", "cost", "regions", "technologies")

CONDITION = Table(
    (
        Key("property", Text(), "a path of names joined by `.`; `*` is any item of a list or key of a table", True),
        Key("equals", Plain(), "it has this value"),
        Key("in", Plain(several=True), "it has one of these values"),
        Key("not_in", Plain(several=True), "it has none of these values; not being there is fine"),
        Key("matches", Text(), "it is a text of this shape: `*` is any text, `?` any character"),
        Key("contains", Plain(), "it is a list with this item, or a text with this part"),
        Key("at_least", Number(whole=False), "it is a number not below this"),
        Key("at_most", Number(whole=False), "it is a number not above this"),
        Key("present", Flag(), "whether it is there at all"),
    ),
    one_of=TESTS,
)
_WHERE = Key("where", Tables(CONDITION), "only those of which all of this holds")
_MUST = Key("must", Tables(CONDITION), "what has to hold of each")
_FORBIDDEN = Key("forbidden", Flag(), "there may be none")

RESOURCES = Table(
    (
        Key("type", Texts(), "CloudFormation's types; `*` is any text: `AWS::RDS::*`", True),
        Key("kind", Texts(), "only those of constructs of these kinds: `Databases.*`"),
        _WHERE,
        _MUST,
        Key("enforce", Named(), "properties that are set, whatever the program says"),
        _FORBIDDEN,
    ),
    some_of=("must", "enforce", "forbidden"),
)
CONSTRUCTS = Table(
    (
        Key("kind", Texts(), "`Compute.Function`, `Databases.*`", True),
        Key("name", Texts(), "only those with such names"),
        _WHERE,
        _MUST,
        _FORBIDDEN,
    ),
    some_of=("must", "forbidden"),
)
RELATIONSHIPS = Table(
    (
        Key("verb", Texts(VERBS), "what the actor does", True),
        Key("actor", Texts(), "only those of such kinds"),
        Key("target", Texts(), "only those to such kinds"),
        _WHERE,
        _MUST,
        _FORBIDDEN,
    ),
    some_of=("must", "forbidden"),
)
PATH = Table(
    (
        Key("from", Texts(), "kinds, or `internet`: public APIs and sites", True),
        Key("to", Texts(), "kinds", True),
        Key("verbs", Texts(VERBS), "only steps by these verbs; all but `authenticates_with` and `uses` unless given"),
        Key("not_through", Texts(), "paths through such kinds are fine"),
        Key("authenticated", Flag(), "true: routes that ask who is calling are fine"),
        Key("within", Number(), "only paths of at most so many steps"),
    ),
)
COUNT = Table(
    (
        Key("resources", Texts(), "how many of these types"),
        Key("constructs", Texts(), "how many of these kinds"),
        Key("at_least", Number(), "not fewer"),
        Key("at_most", Number(), "not more"),
        Key("per", Text(("application", "project")), "counted in each application (default) or the whole project"),
    ),
    one_of=("resources", "constructs"),
    some_of=("at_least", "at_most"),
)
COST = Table((Key("monthly_at_most", Number(whole=False), "US dollars a month, as estimated", True),))
REGIONS = Table((Key("allowed", Texts(), "`eu-central-1`, `eu-*`", True),))
_TECHNOLOGY = "kinds, kinds with an implementation (`Compute.Container/fargate`), resource types"
TECHNOLOGIES = Table(
    (
        Key("adopt", Texts(), f"to be used: {_TECHNOLOGY}"),
        Key("trial", Texts(), "may be used, and is told as a note"),
        Key("hold", Texts(), "nothing new with it: told as a warning"),
        Key("retired", Texts(), "breaks the rule"),
        Key("others", Text(("allow", "deny")), "kinds that no list names; `allow` unless given"),
    ),
    some_of=STATUSES,
)

RULE = Table(
    (
        Key("id", Text(pattern=NAME, said=_NAME_SAID), "its name, for ever", True),
        Key("severity", Text(("deny", "warn", "info")), "deny stops everything; `deny` unless given"),
        Key("message", Text(), "what is demanded, in a sentence: it is what people read", True),
        Key("why", Text(), "what goes wrong otherwise"),
        Key("fix", Text(), "what to do", True),
        Key("owner", Text(), "whom to ask; the bundle's unless given"),
        Key("environments", Texts(), "only in these: `prod`, `prod-*`"),
        Key("teams", Texts(), "only for applications of these teams"),
        Key("tags", Texts(), "only for applications with one of these tags"),
        Key("resources", RESOURCES, "about resources"),
        Key("constructs", CONSTRUCTS, "about constructs"),
        Key("relationships", RELATIONSHIPS, "about relationships"),
        Key("path", PATH, "no such path may be"),
        Key("count", COUNT, "how many there may be"),
        Key("cost", COST, "what it may cost"),
        Key("regions", REGIONS, "where it may be"),
        Key("technologies", TECHNOLOGIES, "what it may be made with"),
    ),
    one_of=SUBJECTS,
)
EXCEPTION = Table(
    (
        Key("rule", Text(pattern=NAME, said=_NAME_SAID), "the rule of this bundle that does not hold", True),
        Key("applications", Texts(), "for these: `shop`, `shop-*`", True),
        Key("constructs", Texts(), "only for these names in them"),
        Key("environments", Texts(), "only in these"),
        Key("reason", Text(), "why", True),
        Key("approver", Text(), "who agreed", True),
        Key("until", Day(), "the last day; from the next on the rule holds again", True),
    )
)
OWNERSHIP = Table(
    (
        Key("match", Texts(), "applications: `shop`, `shop-*`", True),
        Key("team", Text(), "whose they are"),
        Key("tags", Texts(), "what else is true of them"),
    ),
    some_of=("team", "tags"),
)
FIXTURE = Table(
    (
        Key("program", Text(), "a folder below the bundle with an infra.py", True),
        Key("environment", Text(), "where it would be deployed; `prod` unless given"),
        Key("region", Text(), "`us-east-1` unless given, here or in the program"),
        Key("expect", Plain(several=False), "the ids of the rules it breaks; an empty list: none", True),
    )
)
BUNDLE = Table(
    (
        Key(
            "bundle",
            Table(
                (
                    Key("name", Text(pattern=NAME, said=_NAME_SAID), "its name", True),
                    Key("version", Text(pattern=VERSION, said="three numbers, such as `1.4.0`"), "semantic", True),
                    Key("owner", Text(), "whom to ask about its rules", True),
                    Key("about", Text(), "what it is for"),
                )
            ),
            "what it is",
            True,
        ),
        Key("rule", Tables(RULE), "its rules", True),
        Key("exception", Tables(EXCEPTION), "where a rule does not hold, and until when"),
        Key("application", Tables(OWNERSHIP), "whose the applications are"),
        Key("test", Tables(FIXTURE), "programs that `klotho guardrails test` compiles"),
    )
)
