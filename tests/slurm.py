"""A real Slurm of two nodes on this machine, in a network of its own. It requires root and Debian's packages."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = "slurmctld", "slurmd", "srun", "sbatch", "squeue", "scontrol", "munged", "unshare", "nsenter", "ip"
CLIENTS = "srun", "sbatch", "squeue", "scontrol", "scancel", "sinfo"
CONF = """
ClusterName=colourize
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge.sock
CryptoType=crypto/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmctldPidFile={home}/ctld.pid
SlurmdPidFile={home}/%n.pid
SlurmdSpoolDir={home}/spool.%n
StateSaveLocation={home}/state
SlurmctldLogFile={home}/ctld.log
SlurmdLogFile={home}/%n.log
SchedulerParameters=sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17001 CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17002 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""
START = """
set -e
cd {home}
mount --make-rprivate / && mount --bind {home}/hosts /etc/hosts  # names of nodes must resolve
ip link set lo up && ip addr add 10.99.0.1/32 dev lo  # name look-up requires an address outside of 127.0.0.0/8
hostname localhost
munged --force --foreground --key-file=munge.key --socket={home}/munge.sock --pid-file={home}/munged.pid \
  --log-file={home}/munged.log --seed-file={home}/seed &
slurmctld -D > ctld.out 2>&1 &
slurmd -N n1 -D > n1.out 2>&1 &
slurmd -N n2 -D > n2.out 2>&1 &
sleep infinity
"""


@functools.cache
def lacking() -> str:
    """Why no Slurm can be started here; empty if it can."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]:
        return f"Slurm cannot be started: {', '.join(missing)} not installed"
    if subprocess.run(["unshare", "-n", "-u", "-m", "true"], capture_output=True).returncode:
        return "Slurm cannot be started: namespaces are not allowed"
    return ""


@contextlib.contextmanager
def started(home: Path) -> Iterator[Path]:
    """A Slurm with nodes n1 and n2; gives a folder with its commands, which work from outside of its network."""
    home.mkdir(mode=0o755, exist_ok=True)
    for name in ("state", "spool.n1", "spool.n2", "bin"):
        (home / name).mkdir()
    (home / "slurm.conf").write_text(CONF.format(home=home))
    (home / "hosts").write_text("127.0.0.1 localhost n1 n2\n")
    (home / "munge.key").write_bytes(os.urandom(128))
    (home / "munge.key").chmod(0o600)
    environment = {**os.environ, "SLURM_CONF": f"{home}/slurm.conf", "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    words = ["unshare", "-n", "-u", "-m", "bash", "-c", START.format(home=home)]
    process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    for name in CLIENTS:
        enter = f"SLURM_CONF={home}/slurm.conf exec nsenter -t {process.pid} -n -u -m --wd=. {shutil.which(name)}"
        (home / "bin" / name).write_text(f'#!/bin/sh\n{enter} "$@"\n')
        (home / "bin" / name).chmod(0o755)
    try:
        _await_nodes(home / "bin/sinfo")
        yield home / "bin"
    finally:
        subprocess.run([home / "bin/scancel", "--user=root", "--signal=KILL"], capture_output=True, timeout=20)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for file in home.glob("*.pid"):  # munged leaves the group
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGKILL)


def _await_nodes(sinfo: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        done = subprocess.run([sinfo, "--noheader", "--format=%D %T"], capture_output=True, text=True)
        if done.stdout.split() == ["2", "idle"]:
            return
        time.sleep(0.2)
    raise TimeoutError("Slurm's nodes are not idle after 60 s")


def use(commands: str) -> None:
    """Puts a Slurm's commands on the path of this process."""
    os.environ["PATH"] = f"{commands}{os.pathsep}{os.environ['PATH']}"
