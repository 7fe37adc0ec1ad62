"""What looks like a secret is masked, what does not is left, and no text makes that slow."""

import pickle
import time

import pytest

from nightmend.errors import UsageError
from nightmend.gate import Gate
from nightmend.privacy.masking import Masker, likely_secrets, masked

RANDOM = "q7Zr2Kx9" + "Lw4Tn8Vb" + "3Hy6Jd1M" + "s5Pc0FgA"
"""Pieces, so that nobody who looks for secrets in this repository finds one."""
SHAPED = {
    "AKIA" + RANDOM.upper()[:16]: "the key is {}",
    "ghp_" + RANDOM + "Abcd": "GitHub said {} is fine",
    "github_pat_" + RANDOM: "[{}]",
    "glpat-" + RANDOM[:20]: "clone with oauth2 {}",
    "xoxb" + "-123456789012-" + RANDOM: "bot {}",
    "AIza" + RANDOM + "abc": "maps?key={}&zoom=3",
    "sk_live_" + RANDOM: "stripe.api({})",
    "sk-" + "proj-" + RANDOM: "E   AssertionError: {} != x",
    "hf_" + RANDOM: "{}",
    "npm_" + RANDOM + "abcd": "//registry/:_auth={}",
    "SG." + RANDOM[:22] + "." + RANDOM: "mail {}",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + RANDOM: "cookie {}",
    "hunter2!": "postgres://shop:{}@db.example.org/prices",
    RANDOM: "curl -H 'Authorization: Bearer {}'",
    "swordfish": "Possible hardcoded password: '{}'",
}
ASSIGNED = [
    'password = "{}"',
    "PASSWORD: Final[str] = '{}'",
    "settings['password'] = '{}'",
    '{{"db_password": "{}", "user": "shop"}}',
    "connect(user='shop', passwd='{}')",
    "if pwd == '{}':",
    "-    api_key='{}',",
    "client_secret=b'{}'",
    "E       AssertionError: assert token == '{}'",
]
UNSAID = [
    "API_TOKEN={}",
    "export API_TOKEN={}; run",
    "?page=2&access_token={}&sort=up",
    'os.environ.get("SHOP_TOKEN", "{}")',
    'login("shop", "{}")  # the token of the shop',
    "secret: {}",
]
LEFT = [
    "password = input('password: ')",
    'password = "password"',
    'password = "changeme123"',
    'token = "${{ secrets.TOKEN }}"',
    "token = settings.API_TOKEN_2",
    'password = os.environ["DB_PASSWORD"]',
    "PASSWORD_FIELD = 'user_password'",
    "tests/test_token.py::test_secret_1[password-abc] FAILED",
    "self.tokens = tokenize(text1, start2)",
    "https://docs.example.org/password:reset@home",
    "raise ValueError('the token has to have 32 letters')",
    "commit 4f5c2d1e8b7a69300f1e2d3c4b5a697887766554",
    "key = '4f5c2d1e8b7a69300f1e2d3c4b5a697887766554'",
    'HEAD = "-----BEGIN RSA PRIVATE KEY-----"',
    "unused-import in agents/secrets.py:12",
    "Bearer of good news",
    "skeleton sk-learn",
]


@pytest.mark.parametrize("secret", SHAPED)
def test_a_known_shape_is_masked_and_nothing_around_it(secret):
    before, _, after = SHAPED[secret].partition("{}")
    told = masked(before + secret + after)
    assert secret not in told
    assert told.startswith(before + "[masked ")
    assert told.endswith("]" + after)


@pytest.mark.parametrize("line", ASSIGNED)
@pytest.mark.parametrize("secret", ["hunter2-of-the-shop", RANDOM, "Tr0ub4dor&3"])
def test_a_value_given_to_a_telling_name_is_masked(line, secret):
    told = masked(line.format(secret))
    assert secret not in told
    assert told.replace("[masked password]", "{}").replace("[masked secret]", "{}") == line.format("{}")


@pytest.mark.parametrize("line", ["password = '{}'", "PASSPHRASE: '{}'", '"db_pwd": "{}"'])
def test_passwords_are_shorter_than_tokens(line):
    assert "hunter2" not in masked(line.format("hunter2"))
    assert masked(line.format("hunter")) == line.format("hunter")


@pytest.mark.parametrize("line", UNSAID)
def test_a_value_that_nobody_would_type_is_masked_beside_a_telling_name(line):
    assert RANDOM not in masked(line.format(RANDOM))


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_secret_is_left(text):
    assert masked(text) == text


@pytest.mark.parametrize("around", ["{}", '"{}\\n"', "+    {}"])
def test_a_private_key_is_masked_line_by_line(around):
    body = [RANDOM * 2, RANDOM[::-1] * 2, RANDOM]
    lines = ["-----BEGIN OPENSSH PRIVATE KEY-----", *body, "-----END OPENSSH PRIVATE KEY-----", "after = 1"]
    text = "\n".join(around.format(line) for line in lines)
    told = masked(text)
    assert not any(line in told for line in body)
    assert len(told.splitlines()) == len(text.splitlines())
    assert told.splitlines()[-1] == around.format("after = 1")
    cut = "\n".join(text.splitlines()[:2])
    assert body[0] not in masked(cut)


def test_a_known_secret_is_masked_where_nothing_tells_of_it():
    known = Masker(likely_secrets(f'password = "{RANDOM}"\n') | {"swordfish"})
    assert known(f"test_login[{RANDOM}]") == "test_login[[masked secret]]"
    assert known("a swordfish is a fish") == "a swordfish is a fish"


def test_masking_again_changes_nothing():
    for secret, around in SHAPED.items():
        once = masked(f"password = '{RANDOM}'\n{around.format(secret)}")
        assert masked(once) == once


def test_every_text_of_a_model_is_masked():
    gate = Gate(name="tests", kind="safety", measured=f"token={RANDOM}", target=0.0, passed=False)
    told = Masker().model(gate)
    assert told.measured == "token=[masked secret]"
    assert told.target == 0.0


def test_errors_and_gates_never_hold_one_not_even_behind_a_pickle():
    error = UsageError(f"cannot read postgres://shop:{RANDOM}@db: give another")
    assert str(error) == "cannot read postgres://shop:[masked password]@db: give another"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (UsageError, str(error))
    broken = Gate(
        name="tests",
        kind="safety",
        measured=1.0,
        target=0.0,
        passed=False,
        detail=f"test[api_key='{RANDOM}']",
    )
    assert RANDOM not in broken.sentence


@pytest.mark.parametrize(
    "text",
    [
        "token",
        "password='",
        "-----BEGIN PRIVATE KEY-----",
        "token: x ",
        "://a:",
        "eyJaaaaaaaa.",
        "'a",
        "İtoken = 'a",
        "token[[[",
    ],
)
def test_no_text_makes_it_slow(text):
    def seconds(size: int) -> float:
        clock = time.process_time()
        masked(text * (size // len(text)) + " token")
        return time.process_time() - clock

    assert min(seconds(160_000) for _ in range(2)) < 12 * max(seconds(40_000), 0.02)
