"""A change that breaks a file's grammar is told with its place; what was broken before, or cannot be known, is not."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import syntax
from runner.syntax import grammars

GOOD = {
    "a.py": b"def f(a):\n    return a\n",
    "a.js": b"export const f = (a) => {\n  return <b>{a}</b>;\n};\n",
    "a.ts": b"export function f<T>(a: T): T {\n  return a;\n}\n",
    "a.tsx": b"const f = (a: string) => <b>{a}</b>;\n",
    "a.go": b"package a\n\nfunc f(a int) int {\n\treturn a\n}\n",
    "a.rs": b"fn f<'a>(a: &'a str) -> &'a str {\n    a\n}\n",
    "a.java": b"class A {\n  int f(int a) { return a; }\n}\n",
    "a.c": b"int f(int a) {\n  return a;\n}\n",
    "a.cpp": b"namespace n {\nint f(int a) { return a; }\n}\n",
    "a.rb": b'def f(a)\n  [a, "#{a}"]\nend\n',
    "a.php": b"<?php\nfunction f($a) {\n  return $a;\n}\n",
    "a.cs": b"class A {\n  int F(int a) { return a; }\n}\n",
    "a.sh": b'f() {\n  case $1 in a) echo "${2}" ;; esac\n}\n',
    "a.json": b'{"a": [1, 2]}\n',
    "a.toml": b"[a]\nb = 1\n",
}


@pytest.mark.parametrize("path", GOOD)
def test_what_parses_is_no_problem(path: str) -> None:
    assert syntax.check(path, None, GOOD[path]) is None


@pytest.mark.parametrize(
    ("path", "after", "line", "column", "reason"),
    [
        ("a.py", b"def f(:\n    pass\n", 1, 7, "invalid syntax"),
        ("a.py", b"x = 1\ny = (2,\n", 2, 5, "never closed"),
        ("a.py", b"if x:\ny = 1\n", 2, 1, "indented block"),
        ("a.py", b"f(a=1, 2)\n", 1, 9, "positional argument"),
        ("a.py", b"return 1\n", 1, 1, "outside function"),
        ("a.py", b"x = 1\ny\0", 2, 2, "null bytes"),
        ("a.js", b"const a = {\n  b: 1;\n", 1, 11, "'{' is never closed"),
        ("a.js", b"let a = 1;\nlet b: number = 2;\n", 2, 5, "invalid syntax"),
        ("a.js", b"f(`${a`);\n", 1, 4, "closed"),
        ("a.ts", b"let a = 1;\n}\n", 2, 1, "unmatched '}'"),
        ("a.tsx", b"const a = <b>{x</b>;\n", 1, 14, "'{' is"),
        ("a.go", b"package a\n\nfunc f() { x := }\n", 3, 16, "missing"),
        ("a.rs", b"fn f() { let x = ; }\n", 1, 16, "invalid syntax"),
        ("a.java", b"class A {\n  void f() {\n", 2, 12, "'{' is never closed"),
        ("a.c", b"int f( {\n  return 1;\n}\n", 1, 6, "'(' is never closed"),
        ("a.rb", b"def f\n  1\n", 1, 1, "invalid syntax"),
        ("a.php", b"<?php function f( { }\n", 1, 17, "'(' is never closed"),
        ("a.cs", b"class A { int x = ; }\n", 1, 17, "invalid syntax"),
        ("a.sh", b"if true; then\n  echo\n", 3, 1, "'fi' is missing"),
        ("a.json", b'{"a": 1,}\n', 1, 9, "property name"),
        ("a.json", b'{"a":\n "\xff"}\n', 2, 3, "not UTF-8"),
        ("a.toml", b"a = 1\nb = [\n", 3, 1, "Invalid value"),
        ("a.toml", b"a = 1\na = 2\n", 2, 6, "overwrite"),
    ],
)
def test_what_does_not_is_told_with_its_place(path: str, after: bytes, line: int, column: int, reason: str) -> None:
    found = syntax.check(path, GOOD[path], after)

    assert found is not None
    assert (found.path, found.line, found.column) == (path, line, column)
    assert reason in found.reason
    assert found.text == after.split(b"\n")[line - 1].replace(b"\0", b" ").decode("utf-8", "replace")


@pytest.mark.parametrize("path", ["a.py", "a.js", "a.json", "a.toml"])
def test_what_was_broken_before_is_not_the_changes_fault(path: str) -> None:
    assert syntax.check(path, b"( {", b"( { [") is None
    assert syntax.check(path, None, b"( { [") is not None


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("old.py", b"print 'x'\n"),
        ("new.py", b"def f[T](x: T) -> T:\n    return x\n\ntype A = int\n"),
        ("new.py", b'x = f"{a["b"]}"\n'),
        ("new.py", b"try:\n    f()\nexcept A, B:\n    pass\n"),
        ("warns.py", b"x = '\\d'\nassert (x, 1)\n"),
        ("types.js", b"// @flow\nconst a: number = 1;\n"),
        ("macro.cpp", b"class A { Q_OBJECT\npublic: int x; };\n"),
        ("tsconfig.json", b'{\n  // comment\n  "a": 1,\n}\n'),
        ("{{ cookiecutter.name }}/a.py", b"import {{ cookiecutter.name }}\n"),
        ("a.unknown", b"( {"),
        ("Makefile", b"( {"),
        ("big.py", b"(" * (grammars.LARGEST + 1)),
    ],
)
def test_what_cannot_be_judged_is_left_alone(path: str, after: bytes) -> None:
    assert syntax.check(path, None, after) is None


@pytest.mark.parametrize(
    "run", [b"(", b"[", b"{", b"-", b"a[", b"a<", b"`${", b"if a:\n ", b"\xff", b"x=[", b"#if a\n"]
)
@pytest.mark.parametrize("path", ["a.py", "a.js", "a.cpp", "a.sh", "a.json", "a.toml"])
def test_nesting_without_end_ends(path: str, run: bytes) -> None:
    started = time.process_time()

    syntax.check(path, None, run * 20_000)

    assert time.process_time() - started < 15


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(sorted(GOOD)), data=st.data())
def test_any_damage_gives_a_place_in_the_file_or_nothing(path: str, data: st.DataObject) -> None:
    good = GOOD[path]
    at = data.draw(st.integers(0, len(good)))
    after = good[:at] + data.draw(st.binary(max_size=8)) + good[at + data.draw(st.integers(0, 8)) :]

    found = syntax.check(path, good, after)

    if found is not None:
        lines = after.split(b"\n")
        assert 1 <= found.line <= len(lines)
        assert 1 <= found.column <= len(lines[found.line - 1].decode("utf-8", "replace")) + 1
        assert str(found).isprintable() or str(found).count("\n") == 1


def test_without_tree_sitter_python_and_data_are_still_checked() -> None:
    program = (
        "import sys; sys.modules['tree_sitter'] = None\n"
        "from runner import syntax\n"
        "assert syntax.check('a.js', None, b'( {') is None\n"
        "assert syntax.check('a.json', None, b'{') is not None\n"
        "assert syntax.check('a.py', None, b'def f(:') is not None\n"
    )

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
