"""From a model's answer to a change of the work tree, or to a precise refusal. Standard library only.

    extract    the diff in an answer                     text  → diff text
    sections   one section a file, headers git accepts   text  → sections and their paths
    apply      all of it to the work tree, or nothing    → Applied, else PatchRefused
    report     either outcome, for people and as JSON

`python -m runner.patch` is the same for the command line.
"""

from runner.patch.apply import apply_answer
from runner.patch.report import Applied

__all__ = ["Applied", "apply_answer"]
