"""The official Python client's elector, contending. ../README.md tells what it reads and prints."""

import os
import sys
import threading

from kubernetes import config
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock


def say(what: str) -> None:
    print(what, flush=True)


def main(namespace: str, lease: str, identity: str) -> None:
    config.load_kube_config()

    def work() -> None:
        say("leads")
        threading.Event().wait()

    leaderelection.LeaderElection(
        electionconfig.Config(
            LeaseLock(lease, namespace, identity),
            lease_duration=int(os.environ["LEASE_SECONDS"]),
            renew_deadline=int(os.environ["DEADLINE_SECONDS"]),
            retry_period=int(os.environ["RETRY_SECONDS"]),
            onstarted_leading=work,
            onstopped_leading=lambda: say("stopped"),
        )
    ).run()


main(*sys.argv[1:])
