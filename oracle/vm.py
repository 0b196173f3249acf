# SPDX-License-Identifier: MIT
"""kmod's insmod, rmmod, lsmod and modprobe and ours under a real Linux.

Debian's kernel boots in QEMU (software emulation) with a tiny initramfs:
busybox, kmod with its libraries, our program, some modules of the kernel. A
script in it goes twice through the same commands, once with kmod's and once
with ours, in the same states; what each printed and returned is compared.

    python3 oracle/vm.py [--write]     --write keeps kmod's as golden

The golden, tools/kmod/test/kernel.golden, serves the tests that have no kernel:
before what a command printed (1, 2) and returned (=) stands what Linux showed
of each module (M: name, size, references, state, users).
"""
import argparse
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

import apt
import fetch
import kmod_depmod
import kmod_pair

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(TOP, "tools", "kmod", "test", "kernel.golden")
QEMU = "qemu-system-x86_64"
LIMIT = 580     # Seconds: emulation is slow.
COMMANDS = ("insmod", "rmmod", "lsmod", "modprobe")

# Modules that go into the tree, with what they need.
MODULES = ("zstd", "zstd_compress", "crc7", "crc_itu_t", "dummy", "overlay",
           "sit", "tunnel4", "ip_tunnel", "nf_nat", "nf_conntrack",
           "nf_defrag_ipv4", "nf_defrag_ipv6", "libcrc32c")

# Run in this order; `!` is for the shell alone. $M: the folder of files.
CASES = """\
lsmod
insmod $M/zstd.ko
insmod $M/zstd_compress.ko
insmod $M/zstd_compress.ko
insmod $M/zstd.ko
lsmod
rmmod zstd_compress
rmmod -v zstd_compress
rmmod zstd zstd_compress
rmmod zstd
lsmod
insmod $M/crc7.ko no_such_parameter=1
rmmod crc7.ko
insmod $M/crc-itu-t.ko
rmmod crc-itu-t
insmod $M/dummy.ko numdummies=words
insmod $M/dummy.ko numdummies=3
lsmod
rmmod dummy
insmod $M/overlay.ko redirect_dir=on
!mount -t overlay overlay -o lowerdir=/a:/b /c
lsmod
rmmod overlay
rmmod -s overlay
!umount /c
rmmod overlay
insmod $M/truncated.ko
insmod $M/empty.ko
insmod $M/text.ko
insmod $M/no-such.ko
insmod $M
insmod -
insmod
insmod $M/othermagic.ko
insmod -f $M/othermagic.ko
lsmod
rmmod -f crc7
rmmod no_such no-such
rmmod
rmmod ext4
rmmod tcp_cubic
insmod -x
rmmod -x
insmod $M/crc7.ko.xz
lsmod
rmmod crc7
insmod $M/crc7.ko.zst
rmmod crc7
insmod $M/cut.ko.xz
insmod -f $M/othermagic.ko
rmmod crc7
modprobe zstd
lsmod
modprobe zstd
modprobe --first-time zstd
modprobe -r zstd_compress
modprobe -r zstd
lsmod
modprobe -r zstd
modprobe no-such
modprobe -q no-such
modprobe -v sit
lsmod
modprobe -r -v sit
lsmod
modprobe -v nf_nat
lsmod
rmmod nf_conntrack
modprobe -r -v nf_nat
lsmod
modprobe -r nf_conntrack
modprobe -r nf_defrag_ipv6
modprobe -r -v libcrc32c
modprobe -r nf_defrag_ipv4
modprobe -r -D sit
lsmod
modprobe dummy numdummies=words
modprobe -n -v dummy numdummies=2
modprobe -R sit
modprobe -a crc7 crc-itu-t
lsmod
modprobe -r -a crc7 crc-itu-t
lsmod
"""

INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp /a /b /c /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox --install -s /bin
export PATH=/bin M=/modules
state() {
	while read -r module rest; do
		cd /sys/module/$module
		echo "M $module $(cat coresize refcnt initstate | tr '\\n' ' ')" \
			"$(ls holders | tr '\\n' ',')"
		cd /
	done < /proc/modules
}
go() {
	tool=$1
	while read -r line; do
		case $line in !*) eval "${line#!}" 2>/dev/null; continue;; esac
		set -- $(eval echo "$line")
		name=$1
		shift
		echo "@ $line"
		[ $tool = ours ] || state
		if [ $tool = ours ]; then
			/ours/$name --kernel "$@" >/tmp/1 2>/tmp/2
		else
			/kmod/$name "$@" >/tmp/1 2>/tmp/2
		fi
		status=$?
		sed 's/^/1 /' /tmp/1
		sed 's/^/2 /' /tmp/2
		echo "= $status"
	done < /cases
}
for tool in kmod ours; do
	echo "@@ $tool"
	go $tool
done
echo "@@ end"
poweroff -f
"""


# --- the initramfs

class Archive:
    """A cpio archive in the form "newc", in memory."""

    def __init__(self):
        self.bytes = bytearray()
        self.inode = 0
        self.folders = set()

    def entry(self, name, mode, data=b""):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
                  len(path), 0)
        self.bytes += b"070701" + b"".join(b"%08X" % x for x in fields) + path
        self.bytes += bytes(-len(self.bytes) % 4) + data
        self.bytes += bytes(-len(self.bytes) % 4)

    def folder(self, name):
        if name and name not in self.folders:
            self.folder(os.path.dirname(name))
            self.folders.add(name)
            self.entry(name, 0o40755)

    def put(self, name, data, mode=0o100755):
        self.folder(os.path.dirname(name))
        self.entry(name, mode, data)

    def file(self, name, path):
        with open(path, "rb") as file:
            self.put(name, file.read())

    def link(self, name, target):
        self.put(name, target.encode(), 0o120777)

    def done(self):
        self.entry("TRAILER!!!", 0)
        return bytes(self.bytes)


def libraries(program):
    """What the dynamic linker loads for it."""
    text = subprocess.run(["ldd", program], check=True, capture_output=True,
                          text=True).stdout
    return re.findall(r"(/\S+) \(0x", text)


def add_program(archive, folder, program, seen):
    for name in COMMANDS:
        archive.link("%s/%s" % (folder, name), "program")
    archive.file(folder + "/program", program)
    for path in libraries(program):
        if path not in seen:
            seen.add(path)
            archive.file(path.lstrip("/"), path)


def damaged(data):
    """Files that are wrong, made of a module."""
    magic = data.index(b"vermagic=6")
    packed = lzma.compress(data)
    return {"truncated.ko": data[:len(data) // 3], "empty.ko": b"",
            "text.ko": b"this is no module\n",
            "crc7.ko.xz": packed, "cut.ko.xz": packed[:len(packed) // 2],
            "crc7.ko.zst": subprocess.run(
                ["zstd", "-q", "-c"], input=data, check=True,
                stdout=subprocess.PIPE).stdout,
            "othermagic.ko": data[:magic + 9] + b"9" + data[magic + 10:]}


def make_tree(source, scratch):
    """A tree of the chosen modules, with depmod's files; gives its modules."""
    old = kmod_depmod.tree_in(source)
    release = os.path.basename(old)
    new = os.path.join(scratch, "lib", "modules", release)
    found = {}
    for folder, _, names in os.walk(old):
        for name in names:
            if name.split(".")[0].replace("-", "_") in MODULES:
                path = os.path.join(folder, name)
                to = os.path.join(new, os.path.relpath(path, old))
                os.makedirs(os.path.dirname(to), exist_ok=True)
                shutil.copy(path, to)
                found[name] = to
    for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        shutil.copy(os.path.join(old, name), new)
    kmod_pair.depmod(scratch, release)
    return found


def make_initramfs(kernel, busybox, scratch):
    archive = Archive()
    seen = set()
    archive.file("bin/busybox", os.path.join(busybox, "bin", "busybox"))
    add_program(archive, "kmod", os.path.realpath(kmod_pair.theirs("kmod")),
                seen)
    add_program(archive, "ours", kmod_pair.OURS, seen)
    found = make_tree(kernel, scratch)
    for name, path in found.items():
        archive.file("modules/" + name, path)
    with open(found["crc7.ko"], "rb") as file:
        for name, data in damaged(file.read()).items():
            archive.put("modules/" + name, data)
    for folder, _, names in os.walk(os.path.join(scratch, "lib")):
        for name in names:
            path = os.path.join(folder, name)
            archive.file(os.path.relpath(path, scratch), path)
    archive.put("cases", CASES.encode())
    archive.put("init", INIT.encode())
    path = os.path.join(scratch, "initramfs")
    with open(path, "wb") as file:
        file.write(archive.done())
    return path


# --- running it

def boot(kernel, initramfs):
    """What the machine prints; ends with it, or with the time."""
    image = [os.path.join(kernel, "boot", name) for name in
             os.listdir(os.path.join(kernel, "boot")) if "vmlinuz" in name][0]
    with subprocess.Popen(
            [QEMU, "-accel", "tcg", "-m", "768", "-display", "none", "-serial",
             "stdio", "-monitor", "none", "-no-reboot", "-nodefaults",
             "-kernel", image, "-initrd", initramfs, "-append",
             "console=ttyS0 quiet loglevel=0 panic=-1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        try:
            text, _ = machine.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            machine.kill()
            text, _ = machine.communicate()
    return text.decode(errors="replace").replace("\r", "")


def transcripts(text):
    """{tool: [lines]} of what was printed."""
    found = {}
    lines = None
    for line in text.split("\n"):
        if line.startswith("@@ "):
            lines = found.setdefault(line[3:], [])
        # Where in its source libkmod complains is nobody's interface.
        elif lines is not None and not re.search(r"libkmod/\S+\.c:\d+", line):
            lines.append(re.sub(r"/(kmod|ours)/(?=\w+:? )", "", line + " ")[:-1])
    return found


def cases(lines):
    """[(command, [what it printed and returned])]"""
    found = []
    for line in lines:
        if line.startswith("@ "):
            found.append((line[2:], []))
        elif found and line and line[0] != "M":
            found[-1][1].append(line)
    return found


# Damaged input, of which our messages say more; the status is kmod's.
BETTER = ("insmod $M/cut.ko.xz",)


def compare(theirs, ours):
    """Prints what differs; gives how many commands do."""
    different = 0
    for (command, wanted), (_, got) in zip(theirs, ours):
        if command in BETTER:
            wanted, got = wanted[-1:], got[-1:]
        if wanted != got:
            different += 1
            print("DIFFERENT: %s\n  kmod: %s\n  ours: %s" % (
                command, "\n        ".join(wanted), "\n        ".join(got)))
    return different


def run(write):
    with fetch.Store() as store, tempfile.TemporaryDirectory() as scratch:
        busybox = store.trees(("vm",), "amd64")[0][1]
        kernel = [folder for pin, folder in store.trees(("slice",), "amd64")
                  if pin.package.startswith("linux-image")][0]
        text = boot(kernel, make_initramfs(kernel, busybox, scratch))
    found = transcripts(text)
    if "end" not in found:
        print("the machine did not come to the end:\n" + text[-3000:])
        return 1
    theirs, ours = cases(found["kmod"]), cases(found["ours"])
    wanted = [line for line in CASES.splitlines() if line[0] != "!"]
    if [command for command, _ in theirs] != wanted or len(ours) != len(wanted):
        print("not all commands were run")
        return 1
    different = compare(theirs, ours)
    print("kernel: %d commands, %d different" % (len(theirs), different))
    if write:
        with open(GOLDEN, "w", encoding="ascii") as file:
            file.write("\n".join(line for line in found["kmod"] if line) + "\n")
    return 1 if different else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if shutil.which(QEMU) is None:
        fetch.say("*** SKIPPED, no %s (package qemu-system-x86) ***" % QEMU)
        return 0
    try:
        return run(options.write)
    except apt.Unavailable as error:
        fetch.say("*** SKIPPED, packages are not to be had: %s ***" % error)
        return 0


if __name__ == "__main__":
    sys.exit(main())
