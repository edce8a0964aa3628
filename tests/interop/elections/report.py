"""The results as a page of the documentation."""

from contenders import Contender
from matches import HandOver


def page(contenders: list[Contender], hand_overs: list[HandOver], order: list[str], timers: dict[str, int]) -> str:
    """Markdown. The same results give the same page."""
    cells = {(each.first, each.second): each for each in hand_overs}
    names = [each.name for each in contenders]
    rows = []
    for first in names:
        found = (cells.get((first, second)) for second in names)
        rows.append([first, *(f"{each.after_end:.1f} / {each.after_kill:.1f}" if each else "–" for each in found)])
    return "\n".join(
        [
            "# Electors of other languages",
            "",
            "Written by `cargo xtask interop`, which lets real client libraries contend for one lease on one server. Each process",
            f"has a lease of {timers['LEASE_SECONDS']} s, a deadline of {timers['DEADLINE_SECONDS']} s and a retry of"
            f" {timers['RETRY_SECONDS']} s: the shortest that all of them take.",
            "",
            *table(["language", "library", "gives its lease back"], [[c.name, c.library, yes(c.releases)] for c in contenders]),
            "",
            "Each takes over from each. Rows led, columns took over; seconds after the leader was asked to end / after it was",
            "killed, where a whole lease has to pass. While a leader was well, nobody else led.",
            "",
            *table(["led \\ took over", *names], rows),
            "",
            "All on one lease, the leader asked to end each time: they led one after the other, in this order: "
            + ", ".join(order)
            + ".",
            "",
        ]
    )


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows]]


def yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
