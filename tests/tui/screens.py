"""`python -m tests.tui.screens`: pictures for docs/screens of a home with a past (rsvg-convert). The others there are
of a real session: `python -m tests.tui.session`."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

from tests.tui.driving import dashboard
from tests.tui.every_state import every_state

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SHOTS = {
    "steps": ((100, 30), ["j", "j", "3", "z"], "ruff check"),
    "statistics": ((100, 32), ["S"], "By repository"),
}
WIDTH = 1_000


async def picture(name: str) -> str:
    """One screen as SVG."""
    size, keys, seen = SHOTS[name]
    with tempfile.TemporaryDirectory() as folder:
        seed = every_state(Path(folder))
        async with dashboard(seed, size=size) as user:
            await user.sees("● running")
            for key in keys:
                await user.presses(key)
            await user.sees(seen)
            svg = await user.picture()
        seed.close()
    return svg.replace("<text ", '<text xml:space="preserve" ')


def main() -> None:
    """Write every picture anew."""
    FOLDER.mkdir(exist_ok=True)
    for name in SHOTS:
        svg = asyncio.run(picture(name))
        target = str(FOLDER / f"{name}.png")
        subprocess.run(["rsvg-convert", "-w", str(WIDTH), "-o", target], input=svg.encode(), check=True)


if __name__ == "__main__":
    main()
