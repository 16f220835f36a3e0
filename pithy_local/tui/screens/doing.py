"""What the user does with tasks: asks first where it cannot be undone, works in threads, says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual import work
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen

from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.text import clip, safe_line
from pithy_local.tui import look, outside
from pithy_local.tui.board import Board
from pithy_local.tui.models import verbs
from pithy_local.tui.records import Draft

Call = Callable[[str], object]
"""Does one thing to the task with this id. Raises PithyError."""


class DoingScreen(Screen[None]):
    """The verbs of a task. Subclasses say which tasks are `chosen`, and open the dialog for a new task."""

    class Done(Message):
        """What became of it, task by task."""

        def __init__(self, verb: str, done: Sequence[str], problems: Sequence[PithyError]) -> None:
            super().__init__()
            self.verb, self.done, self.problems = verb, done, problems

    class CopyWanted(Message):
        """This text is for the user's clipboard; `what` names it."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

    class Told(Message):
        """Something to tell the user from a thread."""

        def __init__(self, text: str, severity: SeverityLevel = "information") -> None:
            super().__init__()
            self.text, self.severity = text, severity

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board
        self._notes: dict[str, str] = {}
        """What was written and not sent, by verb and task."""

    @property
    def chosen(self) -> list[Task]:
        """What the keys act on: the marked tasks, else the selected one."""
        raise NotImplementedError

    @property
    def selected(self) -> Task | None:
        """The one under the cursor."""
        raise NotImplementedError

    def write_task(self, draft: Draft | None = None) -> None:
        """Open the dialog for a new task."""
        raise NotImplementedError

    def settled_marks(self) -> None:
        """The marked tasks were acted on."""

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        self.app.notify(safe_line(text), severity=severity, markup=False)

    def complain(self, error: PithyError) -> None:
        self.tell(f"{error.message}. {error.hint}", "error")

    # ---- with a question first

    def action_cancel(self) -> None:
        self._ask("cancel", self.board.cancel)

    def action_accept(self) -> None:
        self._ask("accept", self.board.accept)

    def action_reject(self) -> None:
        self._ask("reject", self.board.reject)

    def action_remove(self) -> None:
        self._ask("remove", self.board.remove)

    def _ask(self, verb: str, call: Call) -> None:
        from pithy_local.tui.screens.confirm import ConfirmScreen  # no dialog delays the first frame

        tasks = self._able(verb)
        if tasks:
            ids = [task.id for task in tasks]

            def answered(answer: int | None) -> None:
                if answer == 1:
                    self.do(verb, ids, call)

            self.app.push_screen(ConfirmScreen(verbs.question(verb, tasks)), answered)

    def _able(self, verb: str) -> list[Task]:
        """The chosen tasks that take it; says why when none does."""
        reason = verbs.why_not(verb, self.chosen)
        if reason:
            self.tell(f"{verbs.VERBS[verb].name}: {reason}", "warning")
        return verbs.able(verb, self.chosen)

    # ---- with words

    def action_retry(self) -> None:
        tasks = self._able("retry")
        if not tasks:
            return
        what = (
            "The model sees what it did before and what you write here. Nothing written: it is tried as it was; where "
            "only the delivery failed, that alone is repeated and costs nothing."
        )
        self._write("retry", tasks, what, lambda text: partial(self.board.retry, feedback=text))

    def action_answer(self) -> None:
        tasks = self._able("answer")[:1]
        if tasks:
            question = look.steady(safe_line(tasks[0].question or ""))
            what = f"The model asks: {clip(question, 1_000)}"
            self._write("answer", tasks, what, lambda text: partial(self.board.answer, text=text))

    def send_back(self, place: str) -> None:
        """A note on a place of the diff becomes feedback."""
        if self.selected is None:
            return
        reason = verbs.why_not("send_back", [self.selected])
        if reason:
            self.tell(f"Send back: {reason}", "warning")
            return
        what = (
            "The model tries again with these notes; the branch is written anew when it is done. esc keeps them: go "
            "on to the next place and write one more."
        )
        quote = f"In {safe_line(place)}: " if place else ""
        self._write("send_back", [self.selected], what, lambda text: partial(self.board.retry, feedback=text), quote)

    def _write(
        self, verb: str, tasks: Sequence[Task], what: str, call: Callable[[str], Call], start: str = ""
    ) -> None:  # fmt: skip
        """Ask for a text, then do it; the text is kept for the next time until it was sent."""
        from pithy_local.tui.screens.text import Writing

        key = f"{verb} {tasks[0].id}"
        name = verbs.VERBS[verb].name
        title = f"{name} {tasks[0].id}" if len(tasks) == 1 else f"{name} {len(tasks)} tasks"

        before = self._notes.get(key, "").rstrip()
        opened = before if start.strip() in before else f"{before}\n\n{start}".lstrip()

        def written(closed: tuple[bool, str] | None) -> None:
            sent, text = closed or (False, "")
            self._notes[key] = text if text != opened else before
            if sent:
                self.do(verb, [task.id for task in tasks], call(text), key)

        self.app.push_screen(Writing(title, what, opened), written)

    @work(thread=True, group="doing")
    def do(self, verb: str, ids: Sequence[str], call: Call, key: str = "") -> None:
        """Do it to each of these tasks; what was written for it is forgotten once all of them took it."""
        done, problems = [], []
        for task_id in ids:
            try:
                call(task_id)
                done.append(task_id)
            except PithyError as error:
                problems.append(error)
        if not problems:
            self._notes.pop(key, None)
        self.post_message(self.Done(verb, done, problems))

    def on_doing_screen_done(self, event: Done) -> None:
        if event.done:
            what = event.done[0] if len(event.done) == 1 else f"{len(event.done)} tasks"
            words = verbs.VERBS[event.verb].done
            self.tell(f"{what} {words.replace('is ', 'are ', 1) if len(event.done) > 1 else words}")
            self.settled_marks()
        for problem in event.problems[:3]:
            self.complain(problem)

    def on_doing_screen_told(self, event: Told) -> None:
        self.tell(event.text, event.severity)

    # ---- outside

    def action_edit(self) -> None:
        """A queued task's prompt is changed in place; of any other a new task is made."""
        task = self.selected
        if task is None:
            return
        if task.status.value != "queued" or task.attempts > 1:
            self.write_task(_again(task))
            return
        text = self._edited(task.prompt)
        if text is not None and text != task.prompt:
            self._reword(task.id, text)

    def _edited(self, text: str) -> str | None:
        try:
            return outside.edit(self.app, text, self.board.app.env)
        except PithyError as error:
            self.complain(error)
            return None

    @work(thread=True, group="doing")
    def _reword(self, task_id: str, text: str) -> None:
        try:
            self.board.edit_prompt(task_id, text)
            self.post_message(self.Told(f"{task_id} has another prompt now"))
        except PithyError as error:
            self.post_message(self.Told(f"{error.message}. {error.hint}", "error"))

    @work(thread=True, group="doing")
    def action_pause(self) -> None:
        try:
            self.post_message(self.Told(self.board.toggle_pause()))
        except PithyError as error:
            self.post_message(self.Told(f"{error.message}. {error.hint}", "error"))

    def action_open_pr(self) -> None:
        task = self.selected
        if task is None or not self._may("open_pr", task):
            return
        url = task.pr_url or ""
        if outside.may_open_browser(self.board.app.env):
            self._browse(url)
        else:
            self.post_message(self.CopyWanted(url, f"{url}: there is no browser here"))

    @work(thread=True, group="browser")
    def _browse(self, url: str) -> None:
        opened = outside.open_browser(url)
        self.post_message(self.Told(f"Opened {url}" if opened else f"No browser took {url}"))

    def action_shell(self) -> None:
        task = self.selected
        if task is None or not self._may("shell", task):
            return
        try:
            container = self.board.container(task.id)
            code = outside.shell(self.app, container)
        except PithyError as error:
            self.complain(error)
        else:
            if code not in (0, 130):
                self.tell(f"The shell ended with code {code}: is the container there still?", "warning")

    def _may(self, verb: str, task: Task) -> bool:
        reason = verbs.why_not(verb, [task])
        if reason:
            self.tell(f"{verbs.VERBS[verb].name}: {reason}", "warning")
        return not reason


def _again(task: Task) -> Draft:
    """A new task like this one."""
    return Draft(
        repo=task.repo, prompt=task.prompt, base=task.base or "", model=task.model,
        verify=" ;; ".join(task.verify_commands), priority=str(task.priority or ""), publish=task.publish,
    )  # fmt: skip
