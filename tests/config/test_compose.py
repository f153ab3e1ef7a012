"""docker-compose.yml against the Compose Specification's schema, the code, and itself.

No container engine is used. The commands are taken apart. The tests fail for a program that is not
installed, a missing module, an unknown argument, or a queue without a worker.
"""

import ast
import json
import re
import shlex
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery import current_app
from django.core.management import get_commands
from django.utils.module_loading import import_string
from jsonschema import Draft202012Validator

from config.schedule import SCHEDULE
from marketdata.providers.registry import PROVIDERS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "ballast:latest"]
CONTAINER_DATA = "/var/lib/ballast"
# Read by a library, or by the code of one process, instead of settings.py.
ELSEWHERE = {"PROMETHEUS_MULTIPROC_DIR"}
# The client of the object store reads these.
ELSEWHERE |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT"}


@cache
def schema() -> dict[str, Any]:
    """Return the Compose Specification's schema as shipped by the package check-jsonschema."""
    found = find_spec("check_jsonschema")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "builtin_schemas" / "vendor"
    loaded: dict[str, Any] = json.loads((folder / "compose-spec.json").read_text())
    return loaded


def offences(file: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(schema()).iter_errors(file)]


def test_the_file_keeps_the_compose_specification() -> None:
    assert offences(FILE) == []


@pytest.mark.parametrize(
    "change",
    [
        {"services": {"web": {"comand": ["granian"]}}},
        {"services": {"web": {"ports": "8080:8080"}}},
        {"services": {"web": {"depends_on": {"db": {"condition": "started"}}}}},
        {"volume": {}},
    ],
)
def test_the_schema_finds_mistakes(change: dict[str, Any]) -> None:
    assert offences({**FILE, **change})


def programs(service: dict[str, Any]) -> list[list[str]]:
    """Return the words of every program a command starts, also behind `sh -c`."""
    command: list[str] = service["command"]
    if command[:2] != ["sh", "-c"]:
        return [command]
    parts = [shlex.split(part) for part in command[2].split("&&")]
    return [part[1:] if part[0] == "exec" else part for part in parts]


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


PROGRAMS = [(name, words) for name in OURS for words in programs(SERVICES[name])]


@pytest.mark.parametrize(
    ("name", "words"), PROGRAMS, ids=[f"{name} {words[0]}" for name, words in PROGRAMS]
)
def test_every_command_can_be_run(name: str, words: list[str]) -> None:
    match words:
        case ["python", "manage.py", command, *_]:
            assert command in get_commands()
        case ["python", "-m", module, *rest]:
            asked = import_module(module).arguments(rest)
            assert (asked.host, asked.fd) == ("0.0.0.0", None)
        case ["celery", "-A", application, command, *rest]:
            celery: Any = import_module("celery.bin.celery").celery
            assert import_string(f"{application}.celery.app").main == "ballast"
            subcommand = celery.commands[command]
            parser = subcommand.make_parser(celery.make_context("celery", ["-A", application]))
            _, left, _ = parser.parse_args(list(rest))
            assert left == []
        case ["rm", "-rf", folder] | ["mkdir", folder]:
            assert folder == SERVICES[name]["environment"]["PROMETHEUS_MULTIPROC_DIR"]
        case _:
            pytest.fail(f"{name} runs a program this test does not know: {words}")


def queues_sent_to() -> set[str]:
    """Return the queues of the schedule, of the settings, and those named in our code."""
    found = {str(entry["options"]["queue"]) for entry in SCHEDULE.values()}
    found.add(str(current_app.conf.task_default_queue))
    for path in [*ROOT.glob("*/**/*.py"), *ROOT.glob("platform/*/**/*.py")]:
        relative = path.relative_to(ROOT)
        if relative.parts[0].startswith(".") or relative.parts[0] == "tests":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "queue":
                found |= {str(node.value.value)} if isinstance(node.value, ast.Constant) else set()
    return found


def test_every_queue_has_a_worker_and_every_worker_a_queue() -> None:
    workers = [words for _, words in PROGRAMS if words[0] == "celery" and words[3] == "worker"]
    consumed = [queue for words in workers for queue in option(words, "-Q").split(",")]
    assert sorted(consumed) == sorted(queues_sent_to())


def test_there_is_one_beat_and_one_feed() -> None:
    assert [name for name, words in PROGRAMS if "beat" in words] == ["beat"]
    assert [name for name, words in PROGRAMS if "run_feed" in words] == ["feed"]
    assert all("deploy" not in SERVICES[name] for name in ("beat", "feed", "migrate"))


def test_the_settings_know_every_variable() -> None:
    text = (ROOT / "platform/config/settings.py").read_text()
    known = set(re.findall(r'(?:text|flag|integer|words)\(\s*"([A-Z_]+)"', text)) | {"SECRET_KEY"}
    for vendor, facts in PROVIDERS.items():
        known |= {*facts.needs, *facts.takes, f"{vendor.upper()}_QUOTA"}
    for name in OURS:
        told = set(SERVICES[name]["environment"])
        assert told - ELSEWHERE <= known, name
        assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "BROKER_URL"} <= told, name
        assert not told & {"DEMO", "DEBUG", "TESTING"}, name


def test_no_secret_has_a_default_and_the_example_names_every_variable() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+)(:[?-])", TEXT))
    assert len(re.findall(r"\$\{?[A-Z_]+", TEXT)) == len(re.findall(r"\$\{[A-Z_]+:[?-]", TEXT))
    secrets = {"SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD"}
    assert {name for name, kind in used.items() if kind == ":?"} == secrets
    example = (ROOT / "platform/docker/example.env").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == set(used)
    for name in secrets:
        assert re.search(rf"^{name}=$", example, re.MULTILINE), name


def test_what_a_service_needs_is_there() -> None:
    for name, service in SERVICES.items():
        for other, link in service.get("depends_on", {}).items():
            condition = link["condition"]
            assert other in SERVICES, name
            assert condition != "service_healthy" or "healthcheck" in SERVICES[other], (name, other)
            assert (condition == "service_completed_successfully") == (other == "migrate")
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_file(), source
                assert volume.endswith(":ro"), volume
            else:
                assert source in FILE["volumes"], source
    assert not {name for name in FILE["volumes"] if f"- {name}:/" not in TEXT}


def test_addresses_name_services_and_the_ports_they_listen_on() -> None:
    bouncer = (ROOT / "platform/docker/pgbouncer.ini").read_text()
    ports = {"postgres": "5432", "redis-cache": "6379", "redis-broker": "6379"}
    ports["pgbouncer"] = re.findall(r"^listen_port = (\d+)$", bouncer, re.MULTILINE)[0]
    for name, words in PROGRAMS:
        if "--port" in words:
            ports[name] = option(words, "--port")
    caddy = (ROOT / "platform/docker/Caddyfile").read_text()
    ports["proxy"] = re.findall(r"^:(\d+) \{$", caddy, re.MULTILINE)[0]
    named = re.findall(r"(?:@|redis://)([a-z-]+):(\d+)", TEXT)
    named += re.findall(r"reverse_proxy ([a-z]+):(\d+)", caddy)
    named += re.findall(r"host=([a-z]+) port=(\d+)", bouncer)
    assert len(named) > 5
    assert {(host, ports[host]) for host, _ in named} == set(named)
    assert SERVICES["proxy"]["ports"] == ["127.0.0.1:${PUBLIC_PORT:-8080}:" + ports["proxy"]]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_roles_of_the_addresses_are_made_and_known_to_the_pooler() -> None:
    made = (ROOT / "platform/docker/roles.sh").read_text()
    pooled = (ROOT / "platform/docker/pgbouncer.sh").read_text()
    for name in OURS:
        url = SERVICES[name]["environment"]["DATABASE_URL"]
        role, host = re.findall(r"//([a-z_]+):.*@([a-z]+):", url)[0]
        assert f"CREATE ROLE {role} LOGIN" in made, name
        if host == "pgbouncer":
            assert re.search(rf"for role in [a-z_ ]*\b{role}\b", pooled), name
            assert SERVICES[name]["environment"]["DB_SESSION_OPTIONS"] == "0", name
            assert f"ALTER ROLE {role} SET statement_timeout" in made, name


def test_files_of_pages_are_written_where_they_are_read() -> None:
    for name in OURS:
        assert SERVICES[name]["environment"]["DATA_DIR"] == CONTAINER_DATA
        assert SERVICES[name]["volumes"] == [
            f"static:{CONTAINER_DATA}/static",
            f"price-archive:{CONTAINER_DATA}/price-archive",
        ]
    dockerfile = (ROOT / "platform/docker/Dockerfile").read_text()
    assert f"mkdir -p {CONTAINER_DATA}/static" in dockerfile
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / word).exists() for word in source.split())
