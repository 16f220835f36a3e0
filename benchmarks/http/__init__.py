"""How fast the HTTP API is, and that its streams lose nothing: `python -m benchmarks.http`.

streams      from the container's line to the client of a live stream, beside `docker logs -f`; reconnects; many clients
viewer       a process that follows one stream and takes the time
store        a home with many tasks and lines
requests     requests of each kind, one after the other; webhooks
server       a server on a free port of this machine
"""
