"""`stats` on a terminal, in a pipe and as JSON. The figures themselves: tests/store/test_stats.py."""

from __future__ import annotations

from contextlib import closing

import pytest

from pithy_local.models import Status, TaskError
from pithy_local.store.webhooks import Webhooks
from tests.cli.support import Cli
from tests.seeding import claim, enqueue
from tests.spending import spend


@pytest.fixture
def used(noon: None, cli: Cli) -> Cli:
    """One task completed for half a dollar, one failed, one that runs an unpriced model, one queued."""
    with closing(cli.store()) as store:
        for repo, model, cost in (("acme/api", "gpt-4o", 0.5), ("acme/web", "local-llama", None)):
            lease = claim(store, enqueue(store, repo=repo, model=model))
            spend(store, lease, 1200, 300, model=model, cost_usd=cost)
            lease.record_answer(1, "applied" if cost else "patch_malformed")
            if cost:
                lease.record_commit("c" * 40)
                lease.settle(Status.COMPLETED)
    cli.seed_settled(Status.FAILED, error=TaskError(code="timeout", message="", hint=""))
    cli.seed()
    return cli


def test_on_a_terminal_it_is_in_words(used: Cli) -> None:
    shown = used.on_terminal("stats", env={"NO_COLOR": "1"}).out
    rows = {line[:13].strip(): line[13:].strip() for line in shown.splitlines()}
    assert rows["tasks"] == "1 queued, 1 running, 1 completed, 1 failed"
    assert rows["success"] == "50% of 2 settled"
    assert rows["reasons"] == "timeout 1"
    assert rows["tokens"] == "2.4k in, 600 out, 2 calls"
    assert rows["cost"] == "$0.5000 and 1 call of unknown price"
    assert rows["first answers"] == "50% of 2 applied"
    assert rows["recoverable"] == "100% of 1 applied"
    assert "today" not in rows


def test_on_a_terminal_groups_are_a_table(used: Cli) -> None:
    shown = used.on_terminal("stats", "--by", "model", columns=80, env={"NO_COLOR": "1"}).out.splitlines()
    assert shown[-3].split() == ["MODEL", "DONE", "FAILED", "SUCCESS", "TOKENS", "COST", "MEDIAN"]
    assert shown[-2].split()[:6] == ["gpt-4o", "1", "1", "50%", "1.5k", "$0.5000"]
    assert shown[-1].split() == ["local-llama", "0", "0", "1.5k", "$0.0000", "+", "?"]


def test_the_days_budget_is_shown_where_there_is_one(used: Cli) -> None:
    used.config.write_text("[budget]\nusd_per_day = 4.0\n")
    assert "$0.5000 of $4.00" in used.on_terminal("stats", env={"NO_COLOR": "1"}).out


def test_webhooks_are_counted_where_there_were_any(used: Cli) -> None:
    assert "webhooks" not in used.on_terminal("stats", env={"NO_COLOR": "1"}).out
    with closing(used.store()) as store:
        for reason in ("signature", "header", "signature"):
            Webhooks(store).refuse(peer="127.0.0.1", reason=reason, webhook_id=None)

    assert "0 taken, refused: signature 2, header 1" in used.on_terminal("stats", env={"NO_COLOR": "1"}).out
    assert "webhooks.refused.signature\t2" in used("stats").out


def test_in_a_pipe_it_is_one_figure_a_line(used: Cli) -> None:
    fields = dict(line.split("\t") for line in used("stats").out.splitlines())
    assert (fields["tasks.completed"], fields["reasons.timeout"], fields["input_tokens"]) == ("1", "1", "2400")
    assert (fields["cost_usd"], fields["cost_known_usd"], fields["unpriced_calls"]) == ("", "0.5", "1")


def test_in_a_pipe_a_group_is_one_line(used: Cli) -> None:
    first, second = (line.split("\t") for line in used("stats", "--by", "repo").out.splitlines())
    assert first[:10] == ["acme/api", "1", "1", "0", "0", "0", "0.5", "1200", "300", "0.5"]
    assert second[:10] == ["acme/web", "0", "0", "0", "0", "0", "", "1200", "300", ""]
    assert len(first) == len(second) == 15


def test_as_json_it_is_one_object(used: Cli) -> None:
    found = used("stats", "--since", "7d", "--by", "day", "--json").json()
    assert (found["by"], found["tasks"]["failed"], len(found["groups"])) == ("day", 1, 1)
    assert found["since"].endswith("Z")


def test_only_what_happened_since_then_counts(used: Cli) -> None:
    assert used("stats", "--since", "0", "--json").json()["calls"] == 0


def test_with_nothing_to_count_it_says_so(cli: Cli) -> None:
    assert cli.on_terminal("stats", env={"NO_COLOR": "1"}).out.split() == ["tasks", "none"]


@pytest.mark.parametrize("args", [("--by", "user"), ("--since", "monday")])
def test_a_wrong_option_is_bad_input(cli: Cli, args: tuple[str, ...]) -> None:
    done = cli("stats", *args)
    assert (done.code, len(done.error_lines)) == (2, 2)


def test_what_costs_less_than_a_cent_does_not_look_free(cli: Cli) -> None:
    with closing(cli.store()) as store:
        for cost in (0.0042, 0.00000001):
            lease = claim(store, enqueue(store, repo=f"acme/{cost:.4f}"))
            spend(store, lease, 10, 10, cost_usd=cost)
    shown = cli.on_terminal("stats", "--by", "repo", env={"NO_COLOR": "1"}).out
    assert shown.count("$0.0042") == 2
    assert "<$0.0001" in shown
