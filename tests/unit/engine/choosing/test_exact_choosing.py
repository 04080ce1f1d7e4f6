"""The solver beside an oracle that tries every combination."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.engine.choosing import Option, Problem, Refusal, Statement, Variable, conflicting, solve
from klotho.engine.choosing.conflict import possible

NO = Statement("requires(this=1)")
NEVER = Statement("requires(that=1)")
NOWHERE = Statement('use("other")')


def allowed(problem: Problem, combination: tuple[Option, ...]) -> bool:
    taken = {variable.name: option.name for variable, option in zip(problem.variables, combination, strict=True)}
    return not any(
        option.refusals or any(taken[other] not in names for other, names in option.needs.items())
        for option in combination
    )


def oracle(problem: Problem) -> dict[str, str] | None:
    """The first of the cheapest combinations, in order of preference."""
    best: tuple[int, dict[str, str]] | None = None
    for combination in product(*(variable.options for variable in problem.variables)):
        if allowed(problem, combination):
            taken = {item.name: option.name for item, option in zip(problem.variables, combination, strict=True)}
            amount = problem.amount(taken)
            if best is None or amount < best[0]:
                best = amount, taken
    return best[1] if best else None


def greedy(problem: Problem) -> tuple[dict[str, str], int]:
    """Each variable's own cheapest option, as if it paid its parts alone."""
    taken = {
        variable.name: min(
            variable.options, key=lambda option: option.amount + sum(problem.parts[part] for part in option.parts)
        ).name
        for variable in problem.variables
    }
    return taken, problem.amount(taken)


@st.composite
def problems(draw: st.DrawFn, refused: bool = True) -> Problem:
    count = draw(st.integers(1, 5))
    shape = [draw(st.integers(1, 4)) for _ in range(count)]
    parts = {f"part{number}": draw(st.integers(0, 12)) for number in range(draw(st.integers(0, 4)))}
    refusals = [Refusal("no", item) for item in (NO, NEVER, NOWHERE)] + [Refusal("never")]
    some_parts = st.frozensets(st.sampled_from(sorted(parts))) if parts else st.just(frozenset[str]())
    variables = []
    for number, size in enumerate(shape):
        options = []
        for place in range(size):
            needs = {}
            for other in range(count):
                if other != number and draw(st.integers(0, 5)) == 0:
                    names = [f"o{item}" for item in range(shape[other])]
                    needs[f"v{other}"] = draw(st.frozensets(st.sampled_from(names)))
            why = draw(st.lists(st.sampled_from(refusals), max_size=1)) if refused else []
            if draw(st.integers(0, 3)):
                why = []
            options.append(Option(f"o{place}", draw(st.integers(0, 8)), draw(some_parts), needs, tuple(why)))
        variables.append(Variable(f"v{number}", tuple(options)))
    return Problem(tuple(variables), parts)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_no_gap_to_the_oracle_ties_included(problem: Problem) -> None:
    found, best = solve(problem), oracle(problem)
    assert (found.taken if found else None) == best
    if found is not None:
        assert found.proven
        assert found.amount == problem.amount(found.taken)


def random_problem(chance: Random) -> Problem:
    shape = [chance.randint(1, 4) for _ in range(chance.randint(1, 5))]
    parts = {f"part{number}": chance.randint(0, 20) for number in range(chance.randint(0, 4))}

    def option(number: int, place: int) -> Option:
        needs = {
            f"v{other}": frozenset(f"o{item}" for item in range(size) if chance.random() < 0.7)
            for other, size in enumerate(shape)
            if other != number and chance.random() < 0.15
        }
        used = frozenset(part for part in parts if chance.random() < 0.4)
        refusals = (Refusal("no", NO),) if chance.random() < 0.1 else ()
        return Option(f"o{place}", chance.randint(0, 8), used, needs, refusals)

    variables = (
        Variable(f"v{number}", tuple(option(number, place) for place in range(size)))
        for number, size in enumerate(shape)
    )
    return Problem(tuple(variables), parts)


def test_no_gap_on_three_thousand_random_applications_and_greedy_fails_hundreds() -> None:
    chance, worse, solved = Random(6), 0, 0
    for _ in range(3000):
        problem = random_problem(chance)
        found, best = solve(problem), oracle(problem)
        assert (found.taken if found else None) == best
        if found is None:
            continue
        solved += 1
        assert found.proven
        taken, amount = greedy(problem)
        combination = tuple(
            next(option for option in item.options if option.name == taken[item.name]) for item in problem.variables
        )
        worse += not allowed(problem, combination) or amount > found.amount
    assert solved > 2000
    assert worse > 500


@settings(max_examples=50, deadline=None)
@given(problems())
def test_a_conflict_is_a_conflict_and_every_statement_of_it_is_needed(problem: Problem) -> None:
    if solve(problem) is not None:
        return
    conflict = conflicting(problem)
    assert not possible(problem, conflict)
    for statement in conflict:
        assert possible(problem, [item for item in conflict if item is not statement])


def shared_problem(users: int) -> Problem:
    """Alone each is cheaper on its own (10 < 1 + 25); three together share."""
    options = (Option("alone", 10), Option("shared", 1, frozenset({"cluster"})))
    return Problem(tuple(Variable(f"service{item}", options) for item in range(users)), {"cluster": 25})


def test_choosing_each_by_itself_is_wrong_where_parts_are_shared() -> None:
    problem = shared_problem(3)
    found = solve(problem)
    assert found is not None
    assert (found.amount, greedy(problem)[1]) == (28, 30)
    assert set(found.taken.values()) == {"shared"}


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 8), st.integers(1, 6), st.integers(7, 30))
def test_greedy_is_never_better_and_fails_whole_families(users: int, alone: int, shared: int) -> None:
    options = (Option("alone", alone + 1), Option("shared", 1, frozenset({"part"})))
    problem = Problem(tuple(Variable(f"v{item}", options) for item in range(users)), {"part": shared})
    found = solve(problem)
    assert found is not None
    assert found.taken == oracle(problem)
    assert found.amount <= greedy(problem)[1]
    if shared < users * alone:
        assert found.amount < greedy(problem)[1]


def test_of_equally_cheap_combinations_the_preferred_one_is_taken() -> None:
    first, second = Option("first", 5), Option("second", 5)
    found = solve(Problem((Variable("a", (first, second)), Variable("b", (second, first)))))
    assert found is not None
    assert found.taken == {"a": "first", "b": "second"}


def test_an_option_brings_what_it_needs_into_the_reckoning() -> None:
    """The cheap container needs the dear way out, so the dearer one is taken."""
    container = Variable(
        "container", (Option("private", 10, needs={"egress": frozenset({"nat"})}), Option("public", 14))
    )
    found = solve(Problem((container, Variable("egress", (Option("none"), Option("nat", 36))))))
    assert found is not None
    assert found.taken == {"container": "public", "egress": "none"}


def test_the_conflict_names_only_what_conflicts() -> None:
    long = Statement("requires(max_duration_s=1200)")
    pinned = Statement('use("lambda")')
    other = Statement("requires(availability=99.9)")
    function = Variable(
        "report",
        (
            Option("lambda", refusals=(Refusal("at most 900 s", long),)),
            Option("fargate", refusals=(Refusal("not what is pinned", pinned), Refusal("less", other))),
        ),
    )
    unrelated = Variable("orders", (Option("single", refusals=(Refusal("99.5 %", other),)), Option("multi")))
    assert set(conflicting(Problem((function, unrelated)))) in ({long, pinned}, {long, other})
    assert len(conflicting(Problem((function, unrelated)))) == 2


def test_five_hundred_services_with_shared_parts_are_proven_in_few_steps() -> None:
    """Every service on one of three clusters or alone, all behind one of two ways out."""
    services = []
    for number in range(500):
        options = [Option("alone", 9 + number % 3)]
        for cluster in range(3):
            needs = {"egress": frozenset({"nat"})} if cluster == 0 else {}
            parts = frozenset({f"cluster{cluster}"})
            options.append(Option(f"on{cluster}", 2 + (number + cluster) % 4, parts, needs))
        services.append(Variable(f"service{number}", tuple(options)))
    egress = Variable("egress", (Option("none"), Option("nat", 36)))
    parts = {f"cluster{number}": 70 + number for number in range(3)}
    begun = perf_counter()
    found = solve(Problem((*services, egress), parts))
    assert found is not None
    assert found.proven
    assert found.steps < 100
    assert perf_counter() - begun < 5


def with_money(problem: Problem, chance: Random) -> Problem:
    variables = tuple(
        replace(item, options=tuple(replace(o, cost=chance.randint(0, 9)) for o in item.options))
        for item in problem.variables
    )
    costs = {part: chance.randint(0, 9) for part in problem.parts}
    return replace(problem, variables=variables, part_costs=costs, budget=chance.randint(0, 30))


def oracle_within(problem: Problem) -> dict[str, str] | None:
    best: tuple[int, dict[str, str]] | None = None
    for combination in product(*(variable.options for variable in problem.variables)):
        taken = {item.name: option.name for item, option in zip(problem.variables, combination, strict=True)}
        assert problem.budget is not None
        if allowed(problem, combination) and problem.cost(taken) <= problem.budget:
            amount = problem.amount(taken)
            if best is None or amount < best[0]:
                best = amount, taken
    return best[1] if best else None


def test_within_a_budget_there_is_no_gap_either() -> None:
    chance, traded = Random(8), 0
    for _ in range(400):
        problem = with_money(random_problem(chance), chance)
        found, best = solve(problem), oracle_within(problem)
        assert (found.taken if found else None) == best
        traded += best is not None and best != oracle(problem)
        assert found is None or found.proven
    assert traded > 20


def test_a_budget_of_fifty_services_that_could_all_be_better_is_spent_to_the_last() -> None:
    """Each may be fast (3) or slow (10) for 7 or 2: of 200, 20 can be fast, the first ones."""
    options = (Option("fast", 3, cost=7), Option("slow", 10, cost=2))
    services = tuple(Variable(f"service{item:02}", options) for item in range(50))
    found = solve(Problem(services, budget=200))
    assert found is not None
    assert found.proven
    assert [item for item, name in found.taken.items() if name == "fast"] == [f"service{item:02}" for item in range(20)]


def test_a_budget_that_nothing_keeps_has_no_solution() -> None:
    assert solve(Problem((Variable("a", (Option("one", 1, cost=5), Option("other", 2, cost=4))),), budget=3)) is None
