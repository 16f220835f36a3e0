"""Settings: what a file and the environment may say, and what is said about mistakes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from pithy_local import config
from pithy_local.config import Settings, load, parse_duration, read_secrets, seconds, size_bytes
from pithy_local.errors import UsageError

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def mistake(file: Path, text: str, env: dict[str, str] | None = None) -> UsageError:
    """What `load` says of this file."""
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load(str(file), env or {})
    assert caught.value.code.word == "config"
    assert "\n" not in caught.value.message
    return caught.value


def test_the_example_file_is_what_the_settings_say() -> None:
    assert EXAMPLE.read_text("utf-8") == config.example()


def test_the_example_file_holds_every_default() -> None:
    assert load(str(EXAMPLE), {}) == Settings()


def test_every_key_of_the_example_is_explained() -> None:
    for line in config.example().splitlines()[1:]:
        if " = " in line and not line.startswith("["):
            assert " # " in line, line


def test_the_settings_in_force_can_be_read_back(file: Path) -> None:
    file.write_text(
        '[git]\nauthor = "A \\"B\\" ü <a@b.org>"\nprotected = ["a", "b"]\n[model]\nprovider = "scripted"\n'
        '[prices]\n"llama 4.1" = {input = 0.25, output = 1}\n'
    )
    settings = load(str(file), {})
    assert msgspec.convert(tomllib.loads(config.as_toml(settings)), Settings) == settings


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(None, {"HOME": str(tmp_path), "PITHY_CONFIG": ""}) == Settings()


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    for flag, env in ((str(tmp_path / "none.toml"), {}), (None, {"PITHY_CONFIG": str(tmp_path / "none.toml")})):
        with pytest.raises(UsageError, match=r"none\.toml: cannot be read: No such file") as caught:
            load(flag, env)
        assert "pithy-local init" in caught.value.hint


def test_a_file_in_the_current_directory_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("concurrency = 7\n")
    (tmp_path / "config.example.toml").write_text("concurrency = 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    assert load(None, {}).concurrency == 2


def test_the_flag_wins_over_the_environment_variable(file: Path, tmp_path: Path) -> None:
    file.write_text("concurrency = 3\n")
    other = tmp_path / "other.toml"
    other.write_text("concurrency = 5\n")
    assert load(str(other), {"PITHY_CONFIG": str(file)}).concurrency == 5


def test_the_file_wins_over_the_default(file: Path) -> None:
    file.write_text('concurrency = 3\n[model]\nname = "gpt-x"\n')
    settings = load(str(file), {})
    assert (settings.concurrency, settings.model.name, settings.model.timeout) == (3, "gpt-x", "180s")


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("PITHY_EXECUTOR", "local", "executor"),
        ("MODEL_PROVIDER", "scripted", "model.provider"),
        ("MODEL_NAME", "gpt-y", "model.name"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1", "model.openai.base_url"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1", "model.anthropic.base_url"),
        ("GITHUB_API_URL", "https://ghe.example.org/api/v3", "github.api_url"),
        ("PITHY_BASE_IMAGE", "debian:12", "sandbox.base_image"),
    ],
)
def test_the_environment_wins_over_the_file(file: Path, name: str, value: str, key: str) -> None:
    file.write_text(EXAMPLE.read_text("utf-8"))
    found = msgspec.to_builtins(load(str(file), {name: value}))
    for part in key.split("."):
        found = found[part]
    assert found == value


def test_an_empty_environment_variable_says_nothing(file: Path) -> None:
    file.write_text('executor = "local"\n')
    assert load(str(file), {"PITHY_EXECUTOR": ""}).executor == "local"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("concurency = 3", "concurency", "Did you mean `concurrency`?"),
        ('[sandbox]\nmemry = "1g"', "sandbox.memry", "Did you mean `sandbox.memory`?"),
        ('[model.openai]\nbase_uri = ""', "model.openai.base_uri", "Did you mean `model.openai.base_url`?"),
        ('memory = "1g"', "memory", "Did you mean `sandbox.memory`?"),
        ("[modell]", "modell", "Did you mean `model`?"),
        ("[model]\nxyzzy = 1", "model.xyzzy", "Valid keys here: provider, name, "),
    ],
)
def test_an_unknown_key_names_file_key_and_the_nearest(file: Path, text: str, key: str, hint: str) -> None:
    error = mistake(file, text)
    assert error.message == f"{file}: unknown key `{key}`"
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concurrency = 0", "`concurrency`: expected a whole number >= 1"),
        ('concurrency = "two"', "`concurrency`: expected a whole number, got a string"),
        ("timeout = 5", "`timeout`: expected a string, got a whole number"),
        ('timeout = "soon"', '`timeout`: expected a duration such as "90s" or "10m"'),
        ("model = 3", "`model`: expected a table, got a whole number"),
        ('executor = "vm"', "`executor`: expected one of docker, local"),
        ('[model]\nprovider = "x"', "`model.provider`: expected one of openai, anthropic, scripted"),
        ('[model]\nfallback = "anthropic"', '`model.fallback`: expected "provider:model"'),
        ('[model]\nfallback = "scripted:x"', '`model.fallback`: expected "provider:model"'),
        ('[model.anthropic]\nbase_url = "localhost:1"', "`model.anthropic.base_url`: expected a URL"),
        ('publish = "now"', "`publish`: expected one of auto, review"),
        ("[budget]\nusd_per_day = -1", "`budget.usd_per_day`: expected a number >= 0.0"),
        ('[notify]\non = ["done"]', "`notify.on[0]`: expected one of completed, failed, needs_review"),
        ('[sandbox]\nverify = "pytest"', "`sandbox.verify`: expected a list, got a string"),
        ('[sandbox]\nnetwork = "allowlist"', "`sandbox.network`: expected one of sealed, open"),
        ('[model.openai]\nbase_url = "localhost:1"', "`model.openai.base_url`: expected a URL"),
        ('[sandbox]\nmemory = "4 GB"', '`sandbox.memory`: expected a size such as "512m" or "4g"'),
        ("[git]\nprotected = [1]", "`git.protected[0]`: expected a string"),
        ('[git]\nauthor = "me"', '`git.author`: expected "Name <mail@example.org>"'),
        ('[git]\nbranch_prefix = "../x"', "`git.branch_prefix`: not in the expected form"),
        ('[sandbox]\ndisk = "4g"', "`sandbox.disk` counts as memory: it must be smaller than `sandbox.memory`"),
        ('[sandbox]\nverify = ["pytest", " "]', "`sandbox.verify[1]`: expected a command"),
        ('[sandbox]\nmemory = "99999999999g"', "`sandbox.memory`: expected at most 1048576g"),
        ("[sandbox]\npids = 99999999999", "`sandbox.pids`: expected a whole number <= "),
        ("[sandbox]\ncpus = inf", "`sandbox.cpus`: expected a number <= "),
        ("[sandbox]\ncpus = nan", "`sandbox.cpus`: expected a number > "),
        ('timeout = "99999999999d"', "`timeout`: expected at most 30d"),
        ('verify_timeout = "31d"', "`verify_timeout`: expected at most 30d"),
        ('[model]\ntimeout = "9e9d"', "`model.timeout`: expected a duration"),
        ('[model]\ntimeout = "721h"', "`model.timeout`: expected at most 30d"),
        ('[logs]\nretention = "36501d"', "`logs.retention`: expected at most 36500d"),
        ("[logs]\nmax_bytes_per_task = 5", "`logs.max_bytes_per_task`: expected a whole number >= 10000"),
        ("[model]\nmax_tokens_per_task = 1_000_000_001", "`model.max_tokens_per_task`: expected a whole number <= "),
        (f"[model]\nwarn_tokens_per_task = {10**30}", "`model.warn_tokens_per_task`: expected a whole number <= "),
        ("[model.openai]\ntemperature = nan", "`model.openai.temperature`: expected a number >= "),
        ("[budget]\nusd_per_day = inf", "`budget.usd_per_day`: expected a number <= "),
        ("[budget]\nusd_per_day = nan", "`budget.usd_per_day`: expected a number >= "),
        (f"[budget]\nusd_per_day = {10**400}", "`budget.usd_per_day`: number out of range"),
        ('[prices]\n"llama 4" = {input = inf, output = 1}', '`prices."llama 4".input`: expected a number <= '),
        ("[prices]\ngood = {input = 1, output = 1}\nm = {input = 1}", '`prices."m"`: object missing'),
        ("[prices]\nm = 3", '`prices."m"`: expected a table, got a whole number'),
        ('[sandbox]\nca_bundle = "/none/ca.pem"', "`sandbox.ca_bundle`: there is no file /none/ca.pem"),
    ],
)
def test_a_wrong_value_is_said_in_words(file: Path, text: str, words: str) -> None:
    error = mistake(file, text)
    assert error.message.startswith(f"{file}: {words}")
    assert error.hint


@pytest.mark.parametrize("key", ["model.openai.base_url", "model.anthropic.base_url", "github.api_url"])
@pytest.mark.parametrize("address", ["https://me:canary@example.org/v1", "https://canary@example.org"])
def test_an_address_with_a_password_is_refused_and_not_shown(file: Path, key: str, address: str) -> None:
    table, _, name = key.rpartition(".")
    error = mistake(file, f'[{table}]\n{name} = "{address}"\n')
    assert error.message == f"{file}: `{key}`: an address must not hold a user name or a password"
    assert "canary" not in error.message + error.hint


def test_an_address_with_a_password_in_the_environment_names_the_variable(file: Path) -> None:
    error = mistake(file, "", {"GITHUB_API_URL": "https://me:canary@example.org"})
    assert error.message.startswith("environment variable GITHUB_API_URL: `github.api_url`: an address must not")
    assert "canary" not in error.message + error.hint


@pytest.mark.parametrize("address", ["http://[::1", "https://me:can/ary@example.org", "http://", "http://x:99999"])
def test_an_address_that_is_none_is_said(file: Path, address: str) -> None:
    error = mistake(file, f'[model.openai]\nbase_url = "{address}"\n')
    assert error.message == f"{file}: `model.openai.base_url`: expected a URL such as https://example.org/v1"


@pytest.mark.parametrize("text", [f"concurrency = {'9' * 5000}", f"a = {'[' * 5000}"])
def test_toml_that_python_cannot_read_is_said(file: Path, text: str) -> None:
    assert mistake(file, text).message.startswith(f"{file}: not valid TOML: ")


@pytest.mark.parametrize("text", ["executor =", "[model\n", 'executor = "docker"\nexecutor = "local"'])
def test_bad_toml_names_file_and_line(file: Path, text: str) -> None:
    assert mistake(file, text).message.startswith(f"{file}: not valid TOML: ")


def test_a_file_that_is_no_utf8_is_bad_toml(file: Path) -> None:
    file.write_bytes(b'executor = "\xff"')
    with pytest.raises(UsageError, match="not valid TOML"):
        load(str(file), {})


def test_a_wrong_environment_variable_is_named(file: Path) -> None:
    error = mistake(file, "", {"PITHY_EXECUTOR": "vm"})
    assert error.message == "environment variable PITHY_EXECUTOR: `executor`: expected one of docker, local"


@pytest.mark.parametrize(
    ("text", "value"), [("180s", 180.0), ("10m", 600.0), ("1.5h", 5400.0), ("250ms", 0.25), ("2d", 172_800.0)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90.0), ("1.5", 1.5), ("10m", 600.0), ("m", None), ("-1", None), ("", None)],
)
def test_durations_of_the_command_line(text: str, value: float | None) -> None:
    assert parse_duration(text) == value


def test_sizes_are_powers_of_two() -> None:
    assert [size_bytes(text) for text in ("1k", "512m", "4g")] == [1024, 512 << 20, 4 << 30]


def test_the_model_of_another_provider_is_not_taken_over() -> None:
    settings = Settings(model=config.ModelSettings(name="gpt-x"))
    assert settings.model_name() == "gpt-x"
    assert settings.model_name("scripted") == "scripted"
    assert settings.model_name("anthropic") == config.DEFAULT_MODELS["anthropic"]
    assert settings.model_name("openai", "gpt-z") == "gpt-z"


def test_blanks_around_a_key_are_no_part_of_it() -> None:
    assert read_secrets({"OPENAI_API_KEY": " sk-1\n", "GITHUB_TOKEN": "ghp\n"}).known()[:2] == ("sk-1", "ghp")


def test_each_provider_has_its_own_key() -> None:
    found = read_secrets({"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"})
    assert [found.api_key(name) for name in ("openai", "anthropic", "scripted")] == ["sk-1", "sk-2", ""]


def test_a_model_can_have_a_price_of_the_users(file: Path) -> None:
    file.write_text('[prices]\n"llama 4.1" = {input = 0.25, output = 1}\n')
    assert load(str(file), {}).prices == {"llama 4.1": config.Price(input=0.25, output=1.0)}


@pytest.mark.parametrize("price", ["3", "{input = 1}", "{input = -1, output = 1}", "{input = 1, output = 1, x = 1}"])
def test_a_price_that_is_none_is_said(file: Path, price: str) -> None:
    assert "prices" in mistake(file, f"[prices]\nm = {price}").message


def test_secrets_are_in_no_repr() -> None:
    found = read_secrets(
        {"OPENAI_API_KEY": "sk-canary", "ANTHROPIC_API_KEY": "ant-canary", "GITHUB_TOKEN": "ghp-canary"}
    )
    assert "canary" not in f"{found!r} {found}"
    assert found.known() == ("sk-canary", "ant-canary", "ghp-canary")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('webhook_secret = "whsec_?"', "`serve.webhook_secret`: expected base64 after whsec_"),
        ('webhook_secret = "plain whsec_"', "`serve.webhook_secret`: expected base64 after whsec_"),
        ('rate_limit = "60"', '`serve.rate_limit`: expected a rate such as "60/minute"'),
        ('rate_limit = "0/minute"', '`serve.rate_limit`: expected a rate such as "60/minute"'),
        ("port = 65536", "`serve.port`"),
    ],
)
def test_what_serve_cannot_use(file: Path, line: str, words: str) -> None:
    error = mistake(file, f"[serve]\n{line}\n")

    assert words in error.message
    assert "whsec_?" not in error.message


def test_webhook_secrets_are_base64_or_plain_and_may_be_several(file: Path) -> None:
    file.write_text('[serve]\nwebhook_secret = "whsec_QUJDREVGR0g= plain-text"\n')

    assert load(str(file), {}).serve.webhook_secret.split() == ["whsec_QUJDREVGR0g=", "plain-text"]
