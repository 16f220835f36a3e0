"""What a program inside a sandbox can see and do, tried from inside: `python3 -m runner.probe [--json | --table]`.

Each check holds up one promise of docs/security.md. Nothing is sent over a network and nothing is left changed: what
is tried is refused in a sealed sandbox, and where it is not, it is undone or done with arguments that do no harm.
"""
