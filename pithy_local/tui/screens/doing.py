"""What the user does with tasks: asks first where it cannot be undone, and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from textual import work
from textual.message import Message

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status, Task
from pithy_local.text import clip, safe_block, safe_line
from pithy_local.tui import look, outside
from pithy_local.tui.board import Board
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models import deeds, verbs
from pithy_local.tui.models.verbs import Question
from pithy_local.tui.screens.telling import TellingScreen

TITLE = 60
"""Characters of a task's title in a dialog's."""
Call = Callable[[str], Task]
"""Does one thing to the task with this id; the task as it is then. Raises PithyError."""


class DoingScreen(TellingScreen):
    """The verbs of a task. Subclasses say which tasks are `chosen`, and open the dialog for a new task."""

    class CopyWanted(Message):
        """This text is for the user's clipboard; `what` names it."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__(board, keymap)
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

    def write_task(self, like: Task | None = None, prompt: str = "") -> None:
        """Open the dialog for a new task, for one like this, with this prompt in place of its own."""
        raise NotImplementedError

    def unmark(self, tasks: Sequence[str]) -> None:
        """These were acted on."""
        raise NotImplementedError

    @property
    def has_notes(self) -> bool:
        """Whether feedback, an answer or a prompt was written and not taken."""
        return any(note.strip() for note in self._notes.values())

    def may(self, verb: str, tasks: Sequence[Task]) -> bool:
        """Whether one of these takes it; else says why not."""
        reason = verbs.why_not(verb, tasks)
        if reason:
            self.tell(f"{verbs.VERBS[verb].name}: {reason}", "warning")
        return not reason

    def may_selected(self, verb: str) -> Task | None:
        """The task under the cursor if it takes it; else says why not."""
        task = self.selected
        return task if self.may(verb, [task] if task is not None else []) else None

    def _able(self, verb: str) -> list[Task]:
        """The chosen tasks that take it; says why when none does."""
        return verbs.able(verb, self.chosen) if self.may(verb, self.chosen) else []

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
        chosen, tasks = self.chosen, self._able(verb)
        if tasks:
            self._confirm(verbs.question(verb, chosen), lambda: self.do(verb, tasks, call))

    def _confirm(self, question: Question, yes: Callable[[], object]) -> None:
        from pithy_local.tui.screens.confirm import ConfirmScreen  # no dialog delays the first frame

        def answered(answer: int | None) -> None:
            if answer == 1:
                yes()

        self.app.push_screen(ConfirmScreen(question), answered)

    # ---- at once

    def action_run_now(self) -> None:
        tasks = self._able("run")
        if tasks:
            self.do("run", tasks, self.board.run_now)

    def action_replay(self) -> None:
        from pithy_local.tui.screens.replay import ReplayScreen

        task = self.may_selected("replay")
        if task is not None:
            self.app.push_screen(ReplayScreen(self.board, task))

    def action_pause(self) -> None:
        self.in_thread("Pause", self.board.toggle_pause, self.tell, self._not_resumed)

    def _not_resumed(self, error: PithyError) -> None:
        """A spent budget is not raised by one key."""
        if error.code is ErrorCode.BUDGET:
            again = partial(self.in_thread, "Budget", self.board.allow_budget, self.tell)
            self._confirm(deeds.budget_question(error), again)
        else:
            self.complain(error)

    # ---- with words

    def action_retry(self) -> None:
        tasks = self._able("retry")
        done = any(task.status is Status.COMPLETED for task in tasks)
        self._write("retry", tasks, deeds.retry_means(done=done), self._retry, needed=deeds.WANTED if done else "")

    def action_answer(self) -> None:
        waiting = self._able("answer")
        if waiting:
            what = f"The model asks:\n{look.steady(safe_block(waiting[0].question or ''))}"
            if len(waiting) > 1:
                what += f"\n\n({len(waiting) - 1} more are asked after this one.)"
            self._write("answer", waiting[:1], what, self._answer, needed="Write your answer.")

    def send_back(self, task: Task, place: str) -> None:
        """A note on a place of this task's diff becomes feedback."""
        if self.may("send_back", [task]):
            what = (
                "The model tries again with these notes; the branch is written anew when it is done. esc keeps them: "
                "go on to the next place and write one more."
            )
            start = f"In {safe_line(place)}: " if place else ""
            self._write("send_back", [task], what, self._retry, start, deeds.WANTED)

    def _retry(self, text: str) -> Call:
        return partial(self.board.retry, feedback=text)

    def _answer(self, text: str) -> Call:
        return partial(self.board.answer, text=text)

    def _write(
        self, verb: str, tasks: Sequence[Task], what: str, call: Callable[[str], Call], start: str = "",
        needed: str = "",
    ) -> None:  # fmt: skip
        """Ask for a text that begins with `start`, then do it; the text is kept for the next time until it was sent."""
        if not tasks:
            return
        from pithy_local.tui.screens.text import Writing

        key = f"{verb} {tasks[0].id}"
        name = verbs.VERBS[verb].name
        one = f"{name} {tasks[0].id}  {clip(look.line(tasks[0].title).plain, TITLE)}"
        title = one if len(tasks) == 1 else f"{name} {len(tasks)} tasks"
        offered = deeds.going_on(self._notes.get(key, ""), start)

        def written(closed: tuple[bool, str] | None) -> None:
            sent, text = closed or (False, offered)
            if sent or text != offered:
                self._notes[key] = text
            if sent:
                self.do(verb, tasks, call(text), key)

        self.app.push_screen(Writing(title, what, offered, needed=needed), written)

    # ---- doing it

    def do(self, verb: str, tasks: Sequence[Task], call: Call, key: str = "") -> None:
        """Do it to each of these tasks that is still as it was when the user said so; what was written for it (`key`)
        is forgotten once all of them took it."""

        def each() -> tuple[list[Task], list[str], list[PithyError]]:
            done, along, problems = [], [], []
            for task in deeds.in_turn(verb, tasks):
                try:
                    with self.board.in_words():
                        deeds.check_unchanged(verb, task, self.board.task(task.id))
                        done.append(call(task.id))
                        if verb in deeds.TAKE_ALONG:
                            along.append(self.board.taken_along(done[-1]))
                except PithyError as error:
                    problems.append(error)
            return done, along, problems

        whom = tasks[0].id if len(tasks) == 1 else f"{len(tasks)} tasks"
        self.in_thread(f"{verbs.VERBS[verb].name} {whom}", each, lambda found: self._done(verb, key, *found))

    def _done(
        self, verb: str, key: str, done: Sequence[Task], along: Sequence[str], problems: Sequence[PithyError]
    ) -> None:
        if not problems:
            self._notes.pop(key, None)
        if done:
            self.tell(deeds.told(verb, done))
            self.unmark([task.id for task in done])
        for words in filter(None, along):
            self.tell(words)
        for problem in problems[: deeds.PROBLEMS]:
            self.complain(problem)
        if len(problems) > deeds.PROBLEMS:
            self.tell(f"{len(problems) - deeds.PROBLEMS} more did not take it", "error")

    # ---- outside

    def action_edit(self) -> None:
        """A queued task's prompt is changed in place; of any other a new task is made."""
        task = self.may_selected("edit")
        if task is None:
            return
        key = f"edit {task.id}"
        if task.status is not Status.QUEUED or task.attempts > 1:
            self.write_task(task, self._notes.pop(key, ""))
            return
        try:
            text = outside.edit(self.app, self._notes.get(key, task.prompt), self.board.app.env)
        except PithyError as error:
            self.complain(error)
        else:
            if text != task.prompt:
                self._reword(task.id, key, text)

    def _reword(self, task_id: str, key: str, text: str) -> None:
        def reworded(task: Task) -> None:
            self._notes.pop(key, None)
            self.tell(f"{task_id} has another prompt now")

        def refused(error: PithyError) -> None:
            self._notes[key] = text
            self.tell(f"{error.message}. What you wrote is kept: edit the task again", "error")

        self.in_thread(f"Edit {task_id}", partial(self.board.edit_prompt, task_id, text), reworded, refused)

    def action_open_pr(self) -> None:
        task = self.may_selected("open_pr")
        if task is not None:
            url = task.pr_url or ""
            outside.browse(url, self.board.app.env, partial(self._browsed, url))

    def _browsed(self, url: str, opened: bool) -> None:
        if opened:
            self.post_message(self.Told(f"Opened {url}"))
        else:
            self.post_message(self.CopyWanted(url, f"{url} (no browser opens here)"))

    @work(group="shell", exclusive=True)
    async def action_shell(self) -> None:
        task = self.may_selected("shell")
        if task is None:
            return
        try:
            with self.board.in_words():
                container = await asyncio.to_thread(self.board.container, task.id)
            outside.shell(self.app, container, f"{task.id}  {task.title}")
        except PithyError as error:
            self.complain(error)
