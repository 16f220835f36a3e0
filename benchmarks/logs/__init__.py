"""How fast a line of a sandbox is seen, and that none is lost: `python -m benchmarks.logs`.

programs     what runs in the container: paced lines, a burst, a flood
path         the product's own way: a container's log, its follower, the attempt's log, the store
viewer       a process that waits for the lines and takes the time
"""
