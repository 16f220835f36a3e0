from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.contract import Contract, Match, load_contract


@pytest.fixture
def contract() -> Contract:
    return load_contract()


def matched(contract: Contract, method: str, path: str) -> Match:
    found = contract.match(method, path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("method", "path", "operation", "parameters"),
    [
        ("GET", "/user", "users/get-authenticated", {}),
        ("GET", "/repos/o/n.x", "repos/get", {"owner": "o", "repo": "n.x"}),
        ("POST", "/repos/o/n/pulls", "pulls/create", {"owner": "o", "repo": "n"}),
        ("GET", "/repos/o/n/branches/pj/x%20y", "repos/get-branch", {"owner": "o", "repo": "n", "branch": "pj/x y"}),
        ("GET", "/repos/o/n/git/ref/heads/pj/x", "git/get-ref", {"owner": "o", "repo": "n", "ref": "heads/pj/x"}),
    ],
)
def test_a_path_is_matched_to_its_operation(
    contract: Contract, method: str, path: str, operation: str, parameters: dict[str, str]
) -> None:
    assert contract.match(method, path) == Match(operation=operation, path=parameters)


@pytest.mark.parametrize(("method", "path"), [("GET", "/repos/o"), ("DELETE", "/user"), ("GET", "/repos//n")])
def test_a_path_outside_the_contract_matches_nothing(contract: Contract, method: str, path: str) -> None:
    assert contract.match(method, path) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ([("state", "opened")], "pulls/list query state"),
        ([("per_page", "many")], "pulls/list query per_page"),
        ([("heads", "o:x")], "query parameter 'heads' is not in the contract"),
    ],
)
def test_a_bad_query_is_named(contract: Contract, query: list[tuple[str, str]], words: str) -> None:
    problems = contract.request_problems(matched(contract, "GET", "/repos/o/n/pulls"), query, b"")
    assert len(problems) == 1
    assert words in problems[0]


def test_a_good_request_has_no_problems(contract: Contract) -> None:
    lists = matched(contract, "GET", "/repos/o/n/pulls")
    creates = matched(contract, "POST", "/repos/o/n/pulls")
    body = json.dumps({"title": "t", "head": "h", "base": "main", "body": "b", "draft": False}).encode()
    assert contract.request_problems(lists, [("state", "all"), ("head", "o:x"), ("page", "2")], b"") == []
    assert contract.request_problems(creates, [], body) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the request body is missing"),
        (b"{", "the request body is not JSON"),
        (b'{"head": "h"}', '"base" is a required property'),
        (b'{"head": "h", "base": 1}', "at /base"),
        (b'{"head": "h", "base": "b", "titel": "t"}', "body field 'titel' is not in the contract"),
    ],
)
def test_a_bad_body_is_named(contract: Contract, body: bytes, words: str) -> None:
    problems = contract.request_problems(matched(contract, "POST", "/repos/o/n/pulls"), [], body)
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("operation", "status", "body", "words"),
    [
        ("pulls/get", 200, {"number": 1}, "is a required property"),
        ("pulls/get", 418, {}, "status 418 is not in the contract"),
        ("pulls/get", 304, {}, "has no body in the contract"),
        ("repos/get", 502, {"message": 5}, "basic-error"),
        ("pulls/create", 422, {"message": "no"}, "documentation_url"),
    ],
)
def test_a_bad_answer_is_named(contract: Contract, operation: str, status: int, body: Any, words: str) -> None:
    assert words in "\n".join(contract.answer_problems(operation, status, body))


def test_github_s_own_example_of_a_branch_keeps_to_the_contract(contract: Contract) -> None:
    example = contract.example("repos/get-branch", 200)
    assert contract.answer_problems("repos/get-branch", 200, example) == []
