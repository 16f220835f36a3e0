"""How well the survey finds the files a task is about: `python -m benchmarks.survey`.

tasks.toml   real packages, tasks for them, and the files each task concerns
sources      the packages, fetched with pip and npm, as git repositories
measure      one survey: what it offered, what it cost
"""
