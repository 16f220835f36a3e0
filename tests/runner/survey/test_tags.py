"""What files define, use and import, and which files that leads to."""

from __future__ import annotations

import time

import pytest

from runner.survey import graph, queries, tags
from runner.survey.imports import Resolver
from runner.syntax import grammars


@pytest.mark.parametrize("language", queries.TAGS)
def test_every_query_fits_its_grammar(language: str) -> None:
    assert grammars.query(language, queries.TAGS[language]) is not None


@pytest.mark.parametrize(
    ("path", "source", "defined", "used"),
    [
        ("a.py", "LIMIT = 1\nclass A(Base):\n  @cached\n  def f(self): return g()\n", "LIMIT A f", "Base cached g"),
        ("a.js", "const f = () => g();\nclass A extends B { h() { new C() } }\n", "f A h", "g B C"),
        ("a.ts", "interface I { a: J }\nexport type T = 1;\nenum E {}\n", "I T E", "J"),
        ("a.tsx", "const A = () => <Button></Button>;\n", "A", "Button"),
        ("a.go", "package a\ntype T struct{}\nfunc (t *T) F() { g(); p.H() }\n", "T F", "g H T"),
        ("a.rs", "struct S;\nimpl Tr for S { fn f() { g(); x.h(); m!() } }\n", "S f", "Tr g h m"),
        ("a.java", "class A extends B { void f() { g(); new C(); } }\n", "A f", "B g C"),
        ("a.c", "struct s { int a; };\nint f(void) { return g(); }\n", "s f", "g"),
        ("a.hpp", "namespace n { class A : B { void f() { x.g(); } }; }\n", "n A f", "B g"),
        ("a.rb", "module M\n class A < B\n  def f\n   g(1)\n  end\n end\nend\n", "M A f", "B g"),
        ("a.php", "<?php\nclass A extends B { function f() { g(); $x->h(); } }\n", "A f", "B g h"),
        ("a.cs", "class A : B { int P { get; } void F() { G(); new C(); } }\n", "A P F", "B G C"),
        ("a.sh", "f() {\n  g x\n}\n", "f", "g"),
        ("a.kt", "sealed class A {\n  fun f() = compute()\n}\n", "A f", "compute"),
    ],
)
def test_definitions_and_uses(path: str, source: str, defined: str, used: str) -> None:
    found = tags.of(path, source.encode())

    assert {item.name for item in found.definitions} == set(defined.split())
    assert set(used.split()) <= found.references


def test_a_definition_has_its_line_and_signature() -> None:
    found = tags.of("a.py", b"\n\nclass A:\n    def f(self, a: int) -> int:\n        return a\n")

    assert [(item.line, item.signature) for item in found.definitions] == [
        (3, "class A:"),
        (4, "    def f(self, a: int) -> int:"),
    ]


@pytest.mark.parametrize(
    ("importer", "source", "leads_to"),
    [
        ("app/main.py", "from app.util import text\n", "app/util/text.py"),
        ("app/main.py", "from .util import Thing\n", "app/util/__init__.py"),
        ("app/util/text.py", "from ..models import A\n", "app/models.py"),
        ("app/main.py", "import app.models\n", "app/models.py"),
        ("web/a.ts", "import { x } from './lib/b';\n", "web/lib/b.ts"),
        ("web/lib/b.ts", "export * from '../a.js';\n", "web/a.ts"),
        ("web/a.ts", "const x = require('./lib');\n", "web/lib/index.ts"),
        ("src/main.rs", "use crate::net::tcp::Socket;\n", "src/net/tcp.rs"),
        ("src/x.cc", '#include "net/tcp.h"\n', "src/net/tcp.h"),
        ("J.java", "import org.example.Thing;\n", "java/org/example/Thing.java"),
        ("lib/r.rb", "require_relative './s'\n", "lib/s.rb"),
    ],
)
def test_imports_lead_to_files(importer: str, source: str, leads_to: str) -> None:
    paths = [
        *("app/main.py", "app/util/__init__.py", "app/util/text.py", "app/models.py", "lib/s.rb", "other/models.py"),
        *("web/a.ts", "web/lib/b.ts", "web/lib/index.ts", "src/net/tcp.rs", "src/net/tcp.h"),
        *("java/org/example/Thing.java", "java/org/other/Thing.java"),
    ]
    resolver = Resolver(paths)

    found = {
        paths[i] for written in tags.of(importer, source.encode()).imports for i in resolver.meant(importer, written)
    }

    assert leads_to in found
    assert not {"other/models.py", "java/org/other/Thing.java"} & found


def test_weight_reaches_what_is_used_and_not_what_only_shares_a_name() -> None:
    sources = {
        "a.py": b"from b import helper\nhelper_one()\n",
        "b.py": b"def helper(): pass\n",
        "c.py": b"def helper_one(): pass\n",
        "d.js": b"function helper_one() {}\n",
        "e.py": b"def other(): pass\n",
    }
    paths = [*sources, *(f"x{i}.py" for i in range(20))]  # a folder too large for neighbours
    found = {index: tags.of(path, sources[path]) for index, path in enumerate(sources)}

    reached = graph.spread(graph.links(found, paths, Resolver(paths), []), {0: 1.0})

    assert {paths[index] for index, weight in reached.items() if weight > 0} == {"a.py", "b.py", "c.py"}


def test_weight_is_shared_out_and_not_made() -> None:
    edges: graph.Edges = {0: {1: 1.0, 2: 3.0}, 1: {0: 1.0}, 2: {0: 0.5}}

    reached = graph.spread(edges, {0: 5.0})

    assert sum(reached.values()) == pytest.approx(1.0)
    assert reached[2] == pytest.approx(3 * reached[1])
    assert graph.spread(edges, {}) == {}


@pytest.mark.parametrize(
    "run",
    [
        "import ",
        "from a import ",
        "import" + " " * 1000,
        "export ",
        "\t",
        "(",
        "{",
        "if(",
        "[,",
        "class A:\n ",
        "require(",
        "\0",
    ],
)
@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.cpp", "a.kt"])
def test_hostile_text_costs_little(path: str, run: str) -> None:
    source = (run * 200_000)[:200_000].encode()
    started = time.process_time()

    tags.of(path, source)

    assert time.process_time() - started < 5
