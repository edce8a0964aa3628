"""What the contenders have to show: one leads at a time, and each takes over from each."""

import itertools
import time
from contextlib import ExitStack
from dataclasses import dataclass

from contenders import Contender
from running import Failure, Running, wait

_numbers = itertools.count(1)


@dataclass(frozen=True)
class HandOver:
    """How long the second waited for the first: seconds."""

    first: str
    second: str
    after_end: float
    after_kill: float


def match(namespace: str, first: Contender, second: Contender, lease_seconds: int) -> HandOver:
    """`second` takes over from a `first` that was asked to end, and from one that was killed."""
    lease = f"{first.name}-{second.name}".lower()
    with Running(first, namespace, lease, next(_numbers)) as holder:
        holder.wait_until_it_leads()
        with Running(second, namespace, lease, next(_numbers)) as taker:
            stays(holder, [taker], 1.25 * lease_seconds)
            after_end = taking_over(holder, taker, holder.end)
            with Running(first, namespace, lease, next(_numbers)) as again:
                stays(taker, [again], 1.25 * lease_seconds)
                taking_over(taker, again, taker.end)
                with Running(second, namespace, lease, next(_numbers)) as last:
                    stays(again, [last], 1.25 * lease_seconds)
                    return HandOver(first.name, second.name, after_end, taking_over(again, last, again.kill))


def taking_over(holder: Running, taker: Running, stop) -> float:
    begun = time.monotonic()
    stop()
    return max(0.0, taker.wait_until_it_leads() - begun)


def stays(leader: Running, others: list[Running], seconds: float) -> None:
    """Looks for this long: nobody but the leader may lead. A wait on purpose, longer than any lease: an elector that takes a
    lease which is being renewed does so within its duration."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if leader.leads_since() is None:
            raise Failure(f"{leader.identity} lost its lease while it was well. It wrote:\n{leader.complaints}")
        for other in others:
            if other.leads_since() is not None:
                raise Failure(f"{other.identity} leads beside {leader.identity}")
        time.sleep(0.02)


def melee(namespace: str, contenders: list[Contender], lease_seconds: int) -> list[str]:
    """All on one lease: whoever leads is asked to end, until none is left. Returns the order in which they led."""
    order = []
    with ExitStack() as stack:
        left = [stack.enter_context(Running(each, namespace, "melee", next(_numbers))) for each in contenders]
        while left:
            leader = wait(lambda: the_one(left), "someone to lead", lambda: "".join(each.complaints for each in left))
            left.remove(leader)
            stays(leader, left, 1.25 * lease_seconds)
            order.append(leader.contender.name)
            leader.end()
            leader.wait_until_it_ends()
    return order


def the_one(running: list[Running]) -> Running | None:
    leading = [each for each in running if each.leads_since() is not None]
    if len(leading) > 1:
        raise Failure(f"lead at one time: {', '.join(each.identity for each in leading)}")
    return leading[0] if leading else None
