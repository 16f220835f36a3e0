"""That there is nothing to talk to but the door. Nothing is sent: the kernel is asked for its routes alone."""

from __future__ import annotations

import functools
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from runner.probe.check import Check, Finding, none_of, refusal

PROMISE = "no network"
DOOR_PORT = 8111
UP = 0x1
LISTENING = "0A"
METADATA = {
    "169.254.169.254": "most clouds", "169.254.170.2": "containers on AWS", "100.100.100.200": "Alibaba",
    "168.63.129.16": "Azure", "fd00:ec2::254": "AWS over IPv6",
}  # fmt: skip
FAMILIES = {
    "packet": {"PACKET": 17},
    "vsock": {"VSOCK": 40},
    "alg": {"ALG": 38},
    "other": {
        "APPLETALK": 5, "X25": 9, "RDS": 21, "PPPOX": 24, "CAN": 29, "TIPC": 30, "BLUETOOTH": 31, "RXRPC": 33,
        "PHONET": 35, "IEEE802154": 36, "NFC": 39, "KCM": 41, "QIPCRTR": 42, "SMC": 43, "XDP": 44,
    },
}  # fmt: skip
KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)


def interfaces() -> Finding:
    """Some kernels put tunnels that are down into every network namespace: they lead nowhere."""
    names = [name for _, name in socket.if_nameindex()]
    others = [name for name in names if name != "lo" and _is_up(name)]
    return none_of(others, ", ".join(sorted(names)))


def routes() -> Finding:
    found = [f"{line.split()[0]} (IPv4)" for line in _lines("/proc/net/route")[1:]]
    found += [f"{line.split()[-1]} (IPv6)" for line in _lines("/proc/net/ipv6_route") if line.split()[-1] != "lo"]
    return none_of(sorted(set(found)), "none")


def name_servers() -> Finding:
    """Those of resolv.conf that a packet would reach; one on loopback only where something is bound to it."""
    words = [line.split() for line in _lines("/etc/resolv.conf")]
    servers = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    bound = {line.split()[1].partition(":")[0] for line in _lines("/proc/net/udp")[1:]}
    found = [
        server for server in servers
        if (_as_in_proc(server) in bound if server.startswith("127.") else _has_route(server))
    ]  # fmt: skip
    return none_of(found, f"none of {len(servers)} can be reached" if servers else "none is named")


def metadata() -> Finding:
    found = [f"{address} ({whose})" for address, whose in METADATA.items() if _has_route(address)]
    return none_of(found, "no route to any of them")


def proxies() -> Finding:
    found = [name for name, value in os.environ.items() if value and name.lower().endswith("_proxy")]
    return none_of(sorted(set(found) - {"NO_PROXY", "no_proxy"}), "none is named")


def listeners() -> Finding:
    """Ports that something listens on: the door's is the one."""
    ports = set()
    for line in (*_lines("/proc/net/tcp")[1:], *_lines("/proc/net/tcp6")[1:]):
        _, local, _, state, *_ = line.split()
        if state == LISTENING:
            ports.add(int(local.rpartition(":")[2], 16))
    return none_of([f"port {port}" for port in sorted(ports - {DOOR_PORT})], "the door" if ports else "nothing")


def raw() -> Finding:
    families = {"IPv4": (socket.AF_INET, socket.IPPROTO_ICMP), "IPv6": (socket.AF_INET6, socket.IPPROTO_ICMPV6)}
    made = [name for name, (family, protocol) in families.items() if _socket(family, socket.SOCK_RAW, protocol)]
    return none_of(made, "refused")


def family(numbers: dict[str, int]) -> Finding:
    made = [name for name, number in numbers.items() if any(_socket(number, kind) for kind in KINDS)]
    return none_of(made, "refused")


def _socket(family: int, kind: int, protocol: int = 0) -> bool:
    """Whether it can be made."""
    return refusal(lambda: socket.socket(family, kind, protocol).close()) is None


def _has_route(address: str) -> bool:
    """Connecting a datagram socket looks the route up and sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True


def _is_up(interface: str) -> bool:
    try:
        return bool(int(Path(f"/sys/class/net/{interface}/flags").read_text(), 16) & UP)
    except OSError:
        return True  # it is there and cannot be judged


def _as_in_proc(address: str) -> str:
    """127.0.0.11 as /proc/net/udp writes it."""
    number = int.from_bytes(socket.inet_aton(address), sys.byteorder)
    return f"{number:08X}"


def _lines(path: str) -> list[str]:
    """Of a file that the kernel may lack (IPv6 switched off)."""
    try:
        return Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []


def _sockets() -> Iterable[Check]:
    titles = {
        "packet": "no packet socket: nothing can listen on an interface",
        "vsock": "no vsock: it heeds no network namespace and leads to the hypervisor",
        "alg": "no socket of the kernel's cryptography",
        "other": "no socket of a rare family",
    }
    for name, title in titles.items():
        look = functools.partial(family, FAMILIES[name])
        yield Check(id=f"network.{name}", title=title, promise="fewer system calls", look=look)


CHECKS = (
    Check(id="network.interfaces", title="no interface but lo", promise=PROMISE, look=interfaces),
    Check(id="network.routes", title="no route to anywhere", promise=PROMISE, look=routes),
    Check(id="network.dns", title="no name server can be reached", promise=PROMISE, look=name_servers),
    Check(id="network.metadata", title="no metadata service of a cloud can be reached", promise=PROMISE, look=metadata),
    Check(id="network.proxies", title="no proxy is offered", promise=PROMISE, look=proxies),
    Check(id="network.listeners", title="nothing listens but the door", promise=PROMISE, look=listeners),
    Check(id="network.raw", title="no raw socket", promise="no privilege", look=raw),
    *_sockets(),
)
