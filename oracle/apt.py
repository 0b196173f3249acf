# SPDX-License-Identifier: MIT
"""A private apt root: another series, other machines, nothing installed.

One root serves one series.  It lives in a temporary folder inside the corpus
and is removed with everything in it (lists, cache, source lines) when it is
closed; only the .deb files that it fetched stay.  The machine's own dpkg
state, lists and sources are never touched, its proxy and its credentials
(apt.conf.d, auth.conf.d) are used as they are.  apt itself checks the
signatures; the pins of packages.pin are checked by fetch.py on top of that.
"""

import os
import re
import shutil
import subprocess
import tempfile

import aptsrc


class Unavailable(Exception):
    """The archive cannot be reached, or does not have what was asked."""


class Root:
    """apt for one series, without a trace on the machine."""

    def __init__(self, folder, series, architectures):
        self.series = series
        self.architectures = architectures
        self.folder = tempfile.mkdtemp(prefix="apt-", dir=folder)
        for name in ("lists/partial", "cache/archives/partial", "state"):
            os.makedirs(os.path.join(self.folder, name))
        open(self.path("state/status"), "w", encoding="ascii").close()
        lines = aptsrc.lines_for(series, architectures,
                                 aptsrc.machine_sources())
        if not lines:
            self.close()
            raise Unavailable("no Debian source is configured in /etc/apt")
        with open(self.path("sources.list"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def path(self, name):
        """A file of this root."""
        return os.path.join(self.folder, name)

    def close(self):
        """Removes the root and all that it knows."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, tool, *args, cwd=None):
        """Runs an apt tool in this root; gives (status, stdout, stderr)."""
        options = {
            "Dir::Etc::sourcelist": self.path("sources.list"),
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::State": self.path("state"),
            "Dir::State::lists": self.path("lists"),
            "Dir::State::status": self.path("state/status"),
            "Dir::Cache": self.path("cache"),
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "APT::Architecture": self.architectures[0],
            "APT::Architectures": ",".join(self.architectures),
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "20",
            "Acquire::Languages": "none",
        }
        command = [tool, "-q"]
        for name, value in options.items():
            command += ["-o", "%s=%s" % (name, value)]
        done = subprocess.run(command + list(args), cwd=cwd, text=True,
                              capture_output=True, check=False,
                              env=dict(os.environ, LC_ALL="C"))
        return done.returncode, done.stdout, done.stderr

    def update(self):
        """Fetches the package lists of the series.

        A list that fails (a mirror in the middle of its own update) is
        borne as long as every architecture has its main archive.
        """
        _, _, error = self.run("apt-get", "update")
        for arch in self.architectures:
            if not self.versions("libc6-dev", arch):
                reason = error.strip().splitlines() or ["none came"]
                raise Unavailable("package lists of %s: %s" % (
                    self.series, hide_mirror(reason[-1])))

    def versions(self, package, arch):
        """Versions of a package that the archive has, newest first."""
        _, out, _ = self.run("apt-cache", "madison",
                             "%s:%s" % (package, arch))
        found = [line.split("|")[1].strip() for line in out.splitlines()
                 if line.count("|") == 2 and "Sources" not in line]
        return list(dict.fromkeys(found))

    def names(self, pattern):
        """Names of packages that a regular expression matches as a whole."""
        _, out, _ = self.run("apt-cache", "pkgnames")
        whole = re.compile(pattern)
        return sorted(name for name in out.split() if whole.fullmatch(name))

    def download(self, package, arch, version, folder):
        """Fetches one package file into a folder; gives its path."""
        before = set(os.listdir(folder))
        status, _, error = self.run("apt-get", "download", "%s:%s=%s" % (
            package, arch, version), cwd=folder)
        fresh = [name for name in set(os.listdir(folder)) - before
                 if name.endswith("deb")]
        if status or len(fresh) != 1:
            reason = error.strip().splitlines()
            raise Unavailable("%s %s: %s" % (
                package, version,
                hide_mirror(reason[-1]) if reason else "nothing came"))
        return os.path.join(folder, fresh[0])


def hide_mirror(text):
    """An error of apt without the name of the mirror."""
    return re.sub(r"\[IP: .*?\]", "", re.sub(
        r"\w+://[^/\s]+", "<mirror>", text)).strip()
