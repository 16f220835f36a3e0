"""How fast and how safe the queue is, beside two others in the same run: `python -m benchmarks.queue`.

contenders   this queue, a naive select-then-update on the same SQLite, and huey's SqliteHuey
cycles       several processes enqueue, claim and finish at once: cycles a second; what was claimed twice, lost, locked
latency      one claim with a thousand to a million finished tasks in the file
"""
