"""How quick the dashboard is, on this machine, beside a bare Textual app in the same run.

`python -m benchmarks.tui [--lines N]` prints figures and ratios; it ends with code 1 where a bar is not met.
"""
