"""System calls that no build and no test needs, and that ways out of containers were made of: each is tried.

A call is refused if the kernel answers EPERM or ENOSYS, or ends the process. Any other answer means that it was let
in. The arguments are such that a call that is let in does no harm, also to the user root.
"""

from __future__ import annotations

import ctypes
import functools
import mmap

from runner.probe.check import MACHINE, Check, Finding, in_child, none_of, syscall

PROMISE = "fewer system calls"
REFUSED = ("EPERM", "ENOSYS", "killed by SIGSYS")
NEW_USER = 0x10000000
SIGCHLD = 17
NONE = -1
"""No such descriptor."""
X32 = 0x40000000
GETPID = 39
GETPID_32_BIT = b"\xb8\x14\0\0\0\xcd\x80\xc3"
"""mov eax, 20 (getpid); int 0x80; ret."""

NUMBERS: dict[str, tuple[int, int | None]] = {
    # x86_64, and what every newer architecture shares (aarch64, riscv64, loongarch64)
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "fanotify_init": (300, 262),
    "memfd_secret": (447, 447), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "fsopen": (430, 430), "open_tree": (428, 428), "move_mount": (429, 429), "fsmount": (432, 432),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "clone": (56, 220),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "clock_settime": (227, 112), "settimeofday": (164, 170), "sethostname": (170, 161), "setdomainname": (171, 162),
    "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60), "syslog": (103, 116),
    "ptrace": (101, 117), "iopl": (172, None), "ioperm": (173, None),
}  # fmt: skip

Call = tuple[int, ...]
GROUPS: dict[str, tuple[str, dict[str, Call]]] = {
    "io-uring": ("no io_uring: it steps round filters of system calls", {
        "io_uring_setup": (0, 0), "io_uring_enter": (NONE, 0, 0, 0, 0, 0), "io_uring_register": (NONE, 0, 0, 0),
    }),
    "keyrings": ("no keyring of the kernel: they know no container", {
        "keyctl": (0, 0, 0), "add_key": (0, 0, 0, 0, 0), "request_key": (0, 0, 0, 0),
    }),
    "bpf": ("no program in the kernel (bpf)", {"bpf": (0, 0, 0)}),
    "perf": ("no counters of the processor (perf)", {"perf_event_open": (0, 0, NONE, NONE, 0)}),
    "userfaultfd": ("no page faults handled outside of the kernel (userfaultfd)", {"userfaultfd": (1,)}),
    "fanotify": ("no watch over whole file systems (fanotify)", {"fanotify_init": (0x200, 0)}),
    "secret-memory": ("no memory that the host cannot see (memfd_secret)", {"memfd_secret": (0,)}),
    "mounts": ("nothing can be mounted", {
        "mount": (0, 0, 0, 0, 0), "umount2": (0, 0), "fsopen": (0, 0), "open_tree": (NONE, 0, 0),
        "move_mount": (NONE, 0, NONE, 0, 0), "fsmount": (NONE, 0, 0), "mount_setattr": (NONE, 0, 0, 0, 0),
    }),
    "roots": ("no other root directory (chroot, pivot_root)", {"chroot": (0,), "pivot_root": (0, 0)}),
    "namespaces": ("no new and no other namespace", {
        "unshare": (NEW_USER,), "setns": (NONE, 0), "clone": (NEW_USER | SIGCHLD, 0, 0, 0, 0),
    }),
    "modules": ("no kernel module can be loaded or removed", {
        "init_module": (0, 0, 0), "finit_module": (NONE, 0, 0), "delete_module": (0, 0),
    }),
    "reboot": ("no reboot, and no other kernel", {
        "reboot": (0, 0, 0, 0), "kexec_load": (0, 0, 0, 0xFFFF), "kexec_file_load": (NONE, NONE, 0, 0, 0xFFFF),
    }),
    "handles": ("no file is opened past its path (file handles)", {
        "open_by_handle_at": (NONE, 0, 0), "name_to_handle_at": (NONE, 0, 0, 0, 0),
    }),
    "clock": ("the clock cannot be set", {"clock_settime": (0, 0), "settimeofday": (0, 0)}),
    "names": ("the host name cannot be set", {"sethostname": (0, NONE), "setdomainname": (0, NONE)}),
    "swap": ("no swap space, no quota can be changed", {"swapon": (0, 0), "swapoff": (0,), "quotactl": (0, 0, 0, 0)}),
    "ports": ("no ports of the machine (iopl, ioperm)", {"iopl": (3,), "ioperm": (0x80, 1, 1)}),
    "log": ("the kernel's log cannot be read", {"syslog": (10, 0, 0)}),
}  # fmt: skip
"""By name: the title, and each call with its arguments."""


def attempt(name: str, *args: int) -> str | None:
    """The errno's name; None when the call worked. Raises LookupError for a machine whose numbers are not known."""
    x86, others = NUMBERS[name]
    if MACHINE not in ("x86_64", "aarch64", "riscv64", "loongarch64"):
        raise LookupError(f"the system calls of {MACHINE} are not known")
    number = x86 if MACHINE == "x86_64" else others
    return "ENOSYS" if number is None else syscall(number, *args)


def refused(calls: dict[str, Call]) -> Finding:
    said = in_child({name: functools.partial(attempt, name, *args) for name, args in calls.items()})
    let_in = [
        f"{name} worked" if answer is None else f"{name}: {answer}"
        for name, answer in said.items()
        if answer not in REFUSED
    ]
    return none_of(let_in, "refused")


def second_abi() -> Finding:
    """The rules of a filter are written for one numbering of the calls; a program could use another one."""
    if MACHINE != "x86_64":
        return Finding(True, f"{MACHINE} has one alone")
    said = in_child({"the 32-bit one": _getpid_32_bit, "x32": functools.partial(syscall, X32 | GETPID)})
    return none_of([name for name, answer in said.items() if answer is None], "refused")


def _getpid_32_bit() -> str | None:
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(GETPID_32_BIT)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    return None


CHECKS = (
    *(
        Check(id=f"kernel.{name}", title=title, promise=PROMISE, look=functools.partial(refused, calls))
        for name, (title, calls) in GROUPS.items()
    ),
    Check(id="kernel.abi", title="one numbering of system calls alone", promise=PROMISE, look=second_abi),
)
