"""What is shown of a repository that does not fit: whole files, excerpts of large ones, an outline of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner import survey
from runner.survey import excerpt, history, outline, tags, words
from tests.support import git, make_repo

BODY = "".join(f"def step_{i}(value):\n    total = value + {i}\n    return total\n\n\n" for i in range(900))
LARGE = BODY + "def parse_header(line):\n    return line.split(':')\n\n\n" + BODY.replace("step", "later")
NOISE: Mapping[str, str | bytes] = {f"lib/part{i:03}.py": "pass  # nothing\n" * 200 for i in range(40)}


def paths(view: survey.Survey) -> list[str]:
    return [file.path for file in view.files]


def test_a_large_file_is_shown_where_the_task_is_about_it(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"src/http.py": LARGE, **NOISE})

    view = survey.take(root, "`parse_header` must strip blanks", 6000)

    shown = next(file for file in view.files if file.path == "src/http.py")
    assert not shown.whole
    assert "def parse_header(line):\n    return line.split(':')\n" in shown.text
    assert shown.text.endswith("are not shown …]\n")
    assert view.tokens <= 6000
    assert view.too_large == ()


def test_a_file_shown_in_part_may_be_asked_for_whole(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"src/http.py": LARGE, **NOISE})

    view = survey.take(root, "`parse_header` must strip blanks", 6000)

    assert [file.whole for file in view.unseen(("src/http.py",), 100_000)] == [True]


def test_what_hangs_together_with_the_best_file_comes_before_what_does_not(tmp_path: Path) -> None:
    files: Mapping[str, str | bytes] = {
        "app/login.py": "from app.vault import seal\n\ndef rotate_session(user):\n    return seal(user)\n",
        "app/vault.py": "def seal(thing):\n    return thing\n",
        "zoo/attic.py": "def unrelated(thing):\n    return thing\n",
    }
    root = make_repo(tmp_path / "r", {**files, **NOISE})

    shown = paths(survey.take(root, "rotate_session must not seal twice", 3000))

    assert shown[:2] == ["app/login.py", "app/vault.py"]
    assert "zoo/attic.py" not in shown


def test_files_that_change_together_come_together(tmp_path: Path) -> None:
    pair = {"app/login.py": "def rotate_session():\n    pass\n", "config/limits.yaml": "most: 1\n"}
    root = make_repo(tmp_path / "r", {**pair, **NOISE})
    task = "rotate_session must be quick"
    before = paths(survey.take(root, task, 3000))
    for number in range(2):
        for path in pair:
            (root / path).write_text(f"{pair[path]}# {number}\n")
        git("commit", "-qam", f"change {number}", cwd=root)

    after = paths(survey.take(root, task, 3000))

    assert "config/limits.yaml" not in before
    assert after[:2] == ["app/login.py", "config/limits.yaml"]


def test_commits_of_many_files_say_nothing(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", NOISE)
    for path in ("lib/part001.py", "lib/part002.py"):
        (root / path).write_text("changed\n")
    git("commit", "-qam", "two", cwd=root)

    assert history.changed_together(root) == (("lib/part001.py", "lib/part002.py"),)


def test_history_of_no_repository_is_empty(tmp_path: Path) -> None:
    assert history.changed_together(tmp_path) == ()


def test_formatter_and_linter_settings_are_shown(tmp_path: Path) -> None:
    root = make_repo(
        tmp_path / "r", {"src/a.py": "def area():\n    pass\n", "ruff.toml": "line-length = 99\n", **NOISE}
    )

    assert "ruff.toml" in paths(survey.take(root, "area must be quick", 3000))


def test_what_is_not_shown_is_outlined(tmp_path: Path) -> None:
    many: Mapping[str, str | bytes] = {
        f"app/area{i:02}.py": f"class Area{i:02}:\n    def measure(self):\n        pass\n" + "# area\n" * 200
        for i in range(30)
    }
    root = make_repo(tmp_path / "r", {**many, **NOISE})

    view = survey.take(root, "area must measure", 4000)

    first = view.outline.split("\n")[0]
    assert first in many
    assert first not in paths(view)
    assert "    1  class Area" in view.outline
    assert "    2      def measure(self):" in view.outline
    assert view.tokens <= 4000


def test_an_outline_keeps_its_limit_and_the_outermost_names() -> None:
    source = "class A:\n" + "".join(f"    def f{i}(self):\n        pass\n" for i in range(40))
    found = {"a.py": tags.of("a.py", source.encode()), "b.py": tags.of("b.py", source.encode())}

    text = outline.render(["a.py", "b.py"], found, 700)

    assert text.split("\n")[:2] == ["a.py", "    1  class A:"]
    assert text.endswith("… and 26 more")
    assert "b.py" not in text
    assert len(text.encode()) <= 700


@given(
    text=st.lists(st.sampled_from(["def alpha():", "    alpha()", "beta", "", "\x85 odd \u2028"]), max_size=400).map(
        "\n".join
    ),
    limit=st.integers(0, 4000),
)
def test_an_excerpt_is_the_files_own_lines_in_order(text: str, limit: int) -> None:
    found = excerpt.of(text, tags.of("a.py", text.encode()), words.of_task("`alpha`"), limit)

    lines = text.split("\n")
    at = 0
    for line in found.removesuffix("\n").split("\n") if found else ():
        if line.startswith("[… lines "):
            first, last = (int(number) for number in line.split()[2].split("-"))
            assert first == at + 1
            at = last
        else:
            assert line == lines[at]
            at += 1
    assert not found or at == len(lines)
    assert len(found.encode()) <= limit + 120


def test_hostile_names_and_files_do_not_end_the_survey(tmp_path: Path) -> None:
    files: Mapping[str, str | bytes] = {
        "src/area.py": "def area():\n    pass\n",
        "src/deep.py": "(" * 150_000,
        "src/deep.js": "{" * 150_000 + "area",
        "src/broken.rs": b"fn area( { \xff\xfe" * 1000,
        "a\nb/area.py": "area\n",
        "src/\x1b[31marea.py": "area\n",
        "src/huge.py": "area\n" * 300_000,
    }
    root = make_repo(tmp_path / "r", {**files, **NOISE})
    (root / "src" / "loop.py").symlink_to("loop.py")
    git("add", "-A", cwd=root)
    git("commit", "-qm", "loop", cwd=root)

    view = survey.take(root, "area must be quick", 4000)

    assert paths(view)[0] == "src/area.py"
    assert all(path.isprintable() for path in paths(view))
    assert "src/huge.py" not in paths(view)
