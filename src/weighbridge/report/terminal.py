"""A report on a terminal: findings first, then what was asked, then what is inside.

Two views of one report: `show_check` for a verdict, `show_anatomy` for the contents. Both write to the console that
they are given. Foreign text is written by `visible`, never as markup, so a name can neither colour nor move anything.
On a terminal long names are cut to its width; piped into a file or another program they are whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from weighbridge.report._columns import Column, aligned
from weighbridge.report.facts import Anatomy, Group, Statistics, TensorFacts, TensorStatistics
from weighbridge.report.model import CheckResult, Finding, Outcome, Report, Severity
from weighbridge.report.text import count_text, number_text, shape_text, size_text, visible

OUTCOME_MARKS = {
    Outcome.PASS: ("✓", "green"),
    Outcome.FAIL: ("✗", "bold red"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.ERROR: ("!", "bold yellow"),
}
SEVERITY_STYLES = {Severity.DANGER: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_VERDICTS = {
    Outcome.PASS: "clean: every check that applies passed",
    Outcome.FAIL: "findings: read them before you use these weights",
    Outcome.ERROR: "could not read everything: what was not read is not judged",
    Outcome.SKIPPED: "nothing was judged",
}
MAX_LAYERS = 40
MAX_TENSORS = 20
_BAR = 20


def show_check(report: Report, console: Console) -> None:
    """The verdict: findings, every check's outcome, and one line that sums up."""
    _print(console, _heading(report))
    _show_findings(report, console)
    _print(console, _section("Checks"), Padding(_outcomes(report.results), (0, 0, 0, 2)))
    mark, style = OUTCOME_MARKS[report.outcome]
    _print(console, Text(), Text(f"{mark} {_VERDICTS[report.outcome]}", style=style))


def show_anatomy(report: Report, console: Console, *, tensors: bool = False) -> None:
    """The contents: types, layers, files and tensors; the largest `MAX_TENSORS` unless all are asked for."""
    _print(console, _heading(report))
    _show_findings(report, console)
    anatomy = Anatomy.of(report)
    if anatomy is None:
        for result in report.results:
            _print(console, Text(f"{result.check}: {visible(result.reason)}", style="yellow"))
        return
    if anatomy.tensors:
        _print(console, _section("Types"), _groups(anatomy.dtypes, "type", anatomy.nbytes))
        _print(console, _section("Layers"), _groups(anatomy.layers, "layer", anatomy.nbytes))
    _show_tied(anatomy, console)
    if len(anatomy.files) > 1:
        _print(console, _section("Files"), _files(anatomy))
    if not anatomy.tensors:
        _print(console, _section("It holds no tensors."))
        return
    _show_tensors(anatomy, Statistics.of(report), console, everything=tensors)


def _print(console: Console, *parts: RenderableType) -> None:
    """Print the parts. Rich fills lines with blanks to the width; a file or another program gets none of those."""
    if console.is_terminal:
        for part in parts:
            console.print(part, highlight=False, markup=False, emoji=False)
        return
    with console.capture() as captured:
        for part in parts:
            console.print(part, highlight=False, markup=False, emoji=False)
    console.out("\n".join(line.rstrip() for line in captured.get().splitlines()), highlight=False)


def _section(title: str) -> RenderableType:
    return Padding(Text(title, style="bold"), (1, 0, 0, 0))


def _heading(report: Report) -> Text:
    text = Text(visible(report.subject), style="bold", overflow="fold")
    anatomy = Anatomy.of(report)
    if anatomy:
        parts = [visible(anatomy.architecture, 60)] if anatomy.architecture else []
        parts += [
            f"{count_text(anatomy.parameters)} parameters",
            size_text(anatomy.nbytes),
            f"{anatomy.tensors:,} tensors",
        ]
        text.append("\n" + " · ".join(parts), style="not bold")
    return text


def _show_findings(report: Report, console: Console) -> None:
    if report.findings:
        _print(console, _section("Findings"))
    for finding in report.findings:
        _print(console, Padding(_finding(finding), (0, 0, 0, 2)))


def _finding(finding: Finding) -> RenderableType:
    body = Text(visible(finding.code), style="bold", overflow="fold")
    if finding.where:
        body.append(f"\nin {visible(finding.where)}", style="not bold")
    body.append(f"\n{visible(finding.message)}", style="not bold")
    if finding.hint:
        body.append(f"\n→ {visible(finding.hint)}", style="not bold dim")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, width=7)
    grid.add_column(overflow="fold")
    grid.add_row(Text(finding.severity.upper(), style=SEVERITY_STYLES[finding.severity]), body)
    return grid


def _outcomes(results: Iterable[CheckResult]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column("outcome", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("answer", overflow="fold")
    for result in results:
        mark, style = OUTCOME_MARKS[result.outcome]
        answer = Text(result.title)
        if result.reason:
            answer.append(f"\n{visible(result.reason, 300)}", style="dim")
        table.add_row(Text(f"{mark} {result.outcome}", style=style), Text(visible(result.check)), answer)
    return table


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for at, column in enumerate(columns):
        justify = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=at > 0)  # type: ignore[arg-type]
    return table


def _groups(groups: Sequence[Group], what: str, total: int) -> RenderableType:
    right = ("tensors", "parameters", "size")
    table = _table(what, *right, "", right=right)
    for group in groups[:MAX_LAYERS]:
        numbers = (f"{group.tensors:,}", count_text(group.parameters), size_text(group.nbytes))
        table.add_row(Text(visible(group.name) or "(top)"), *numbers, Text(_bar(group.nbytes, total), style="blue"))
    rest = groups[MAX_LAYERS:]
    if rest:
        tensors, parameters = sum(group.tensors for group in rest), sum(group.parameters for group in rest)
        size = size_text(sum(group.nbytes for group in rest))
        table.add_row(Text(f"and {len(rest):,} more"), f"{tensors:,}", count_text(parameters), size, "")
    return Padding(table, (0, 0, 0, 2))


def _bar(part: int, total: int) -> str:
    eighths = round(8 * _BAR * part / total) if total else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")


def _show_tied(anatomy: Anatomy, console: Console) -> None:
    if anatomy.tied:
        _print(console, _section("Tied tensors"))
    for names in anatomy.tied[:MAX_TENSORS]:
        _print(console, Padding(Text(" = ".join(map(visible, names)), overflow="fold"), (0, 0, 0, 2)))
    if len(anatomy.tied) > MAX_TENSORS:
        _print(console, Text(f"  and {len(anatomy.tied) - MAX_TENSORS:,} more groups"))


def _files(anatomy: Anatomy) -> RenderableType:
    table = _table("file", "format", "tensors", "size", right=("tensors", "size"))
    for file in anatomy.files[:MAX_LAYERS]:
        tensors = f"{file.tensors:,}" if file.format else ""
        table.add_row(Text(visible(file.name)), Text(visible(file.format)), tensors, size_text(file.nbytes))
    if len(anatomy.files) > MAX_LAYERS:
        table.add_row(f"and {len(anatomy.files) - MAX_LAYERS:,} more", "", "", "")
    return Padding(table, (0, 0, 0, 2))


def _show_tensors(anatomy: Anatomy, statistics: Statistics | None, console: Console, *, everything: bool) -> None:
    listed = anatomy.listed
    if not everything and len(listed) > MAX_TENSORS:
        listed = tuple(sorted(listed, key=lambda tensor: -tensor.nbytes)[:MAX_TENSORS])
    title = f"Tensors ({len(listed):,} of {anatomy.tensors:,}" + (", the largest)" if listed != anatomy.listed else ")")
    _print(console, _section(title))
    values = {each.name: each for each in statistics.tensors} if statistics else None
    width = console.width - 2 if console.is_terminal else 0
    for line in aligned(_columns(values), [_row(tensor, values) for tensor in listed], width):
        console.out(f"  {line}", highlight=False)


def _columns(values: object) -> list[Column]:
    columns = [Column("name"), Column("type"), Column("shape"), Column("size", right=True)]
    if values is not None:
        columns += [Column(heading, right=True) for heading in ("min", "max", "mean", "std", "zeros", "not finite")]
    return columns


def _row(tensor: TensorFacts, values: dict[str, TensorStatistics] | None) -> list[str]:
    row = [visible(tensor.name), tensor.dtype, shape_text(tensor.shape), size_text(tensor.nbytes)]
    if values is None:
        return row
    each = values.get(tensor.name)
    if each is None:
        return [*row, "unread", "", "", "", "", ""]
    numbers = (each.minimum, each.maximum, each.mean, each.std)
    return [*row, *map(number_text, numbers), count_text(each.zeros), count_text(each.nan + each.infinite)]
