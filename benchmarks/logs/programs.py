"""Python programs that write to a container's stdout. A line begins with its number and the time it was written."""

_PACED = """
import sys, time
rate, count, out = {rate}, {count}, sys.stdout.buffer
time.sleep({warm_up})
begin = time.monotonic()
for number in range(count):
    ahead = number / rate - (time.monotonic() - begin)
    if ahead > 0.001:
        time.sleep(ahead)
    out.write(b"%d %d %s\\n" % (number, time.time_ns(), b"x" * 60))
    out.flush()
"""

_BURST = """
import sys
out = sys.stdout.buffer
for number in range({count}):
    out.write(b"%d 0 %s\\n" % (number, b"x" * 60))
"""


def paced(rate: int, count: int, warm_up: float) -> str:
    """`count` lines, `rate` a second, each written at once; the first after `warm_up` seconds."""
    return _PACED.format(rate=rate, count=count, warm_up=warm_up)


def burst(count: int) -> str:
    """`count` lines of 70 bytes as fast as they go."""
    return _BURST.format(count=count)
