"""From a model's answer to a change of the work tree, or to a precise refusal. Standard library only.

    answer    text → file edits: dress (thoughts, JSON, line ends), fences, then one reader a format:
              unified (header, hunks), v4a, blocks (SEARCH/REPLACE), whole; cutoff: is the end there?
    plan      file edits → each path's new content: resolve (which file), tree (what is there), asides (what stands
              beside the change), then content: locate and gaps (every place, level by level), order (one place each,
              with headings), merge and rewrite (with indent)
    write     new content → the work tree, by git, all or nothing
    refusal   why not, with diagnose's alignment; report: either outcome, for people and as JSON

`python -m runner.patch` is the same for the command line.
"""

from runner.patch.apply import apply_answer
from runner.patch.refusal import Refused
from runner.patch.report import Applied

__all__ = ["Applied", "Refused", "apply_answer"]
