"""The tables and their rules, one module a version; a released one never changes.

What must never happen is forbidden here, not only avoided in code. Times are milliseconds since 1970, leases
milliseconds since the machine's boot. What is final is final *per attempt*.
"""

from pithy_local.store.migrations.logs_1 import LOGS_1
from pithy_local.store.migrations.logs_2 import LOGS_2
from pithy_local.store.migrations.queue_1 import QUEUE_1
from pithy_local.store.migrations.queue_2 import QUEUE_2
from pithy_local.store.migrations.queue_3 import QUEUE_3
from pithy_local.store.migrations.queue_4 import QUEUE_4

__all__ = ["LOGS_1", "LOGS_2", "QUEUE_1", "QUEUE_2", "QUEUE_3", "QUEUE_4"]
