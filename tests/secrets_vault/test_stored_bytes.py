"""What an earlier release stored still opens. Never made anew: a format that changes gets a new number."""

from base64 import b64decode
from pathlib import Path

from secrets_vault import Keyring, LocalKeyService, Place, open_from, open_sealed, sealing
from secrets_vault.keyring import TenantKey
from secrets_vault.opaque import Secret

MATERIAL = bytes(range(32))
BLOB = b64decode(
    "QkhTVgEBT2XVOx6pQz9/+41G69oEcwAAAAGuns45ynU1XlEuZZSwam2FUWM3oafuAG2BslaFNUO89lAbriTFw311PJVEFqLRFZbt7+hh"
    "2GQiciYqEr8AAAABR+DqASoEIazxKvkkV5Q5Y9k2+xUaiAfHI0kugAbDvTk2/QJzsl4BpNCK/38AAAAfpF7P2xvSavA9JcXRz1cwH6RL"
    "pC/Br0vBWmXlsA052w=="
)
WRAPPED = b64decode(
    "QkhMSwEBkqK1IyZ6RriVClmWk+3hoxVrztvVf52G0++crRL9jYdHSRACy7uLKgA9mGoiZtWUgXMYG9WGqPgu15Cv8JvrQYbIpJEZsJpbn9Xy+A=="
)
SEALED = b64decode(
    "QkhIUwFkegABAANalIQDjwWIdSrO/Ris6GHwe/Su0sgUKHfMB5t/Tg1LvIvzSvWOCZtIklwY/02MIxdoqsGVpK6Xui6mbzZyis+d"
    "HEaTqCiey/+mNEz6VWADat//GJJ0RqNADCKwqT9p2EJhk2F4/lNmXQhFvu+Od3E9cj3MoNhVySCEYCl/1frP2/uo28nH1ImMyzHO"
    "8EMgRAriSWBpMSFSTSWEkNitYT5htqABFjo35VQA//MXK9Z3BwGpSOOXYITldVpH7w6FOfdaMiV8B+3QxOwGlJ7PgJfJRHHbZQFS"
    "cmxAvkIXl2DiKYPZCccUJD8wjmjTA6OM4eT5ylz83SmjLbCFapxD1+vqgWPTHMKO9pWOb2N0dKMvcR7coZ+XmjyUW3TSdDb50W50"
    "P/8oT9i18fhoW5fhK1AB+wsGtq/2OXRUeP9A6rmJPSM/cwCnecI22XjXTNQgNrJMWzKEZv4dFuWGd2cnNo8F5Qq/n0sRFdTDpk/T"
    "2/rX1JUd7it+tL5n8iMgrePlxoZFOuXME8kmOdrbXUsw6uvVFZmzHvsMHLEKRMn017t6cGvs15O+d2b544so6SsshR8W3qpHOpn6"
    "n946dvIcxW1uExfNcjBi+4JnTWmaCC2Ery+97D/Tk264yaraR0GiU0uiAPv6hLVF2a4y/rI67FWrGy7592/g+xSxOuVQn5FzKuZJ"
    "k2NXyfA3lug/LZ74oFK8f3e26cnsV/p1x5jcoCLcKg1ZpzCG4C8ojg1EVeknUmeCWPHHL5N5ZaUEfnrlc09ECBFh0JRZNorio2hT"
    "I/+KsxDr4fDTFKwyhmmBJkCr2qRcdTivFm3Eh7371KPpAlYr7tB4zPgMEFimmvzmQM6Dm11kFwP73w8qmKa1nZ4fWUO2B9elur3S"
    "kOiJafAdAdycSy8NJEHb28i6DZFYMc3aswM9AdYQy403nGamez1nAXvGsUGNreuX7iSiGKExijw1dS8kM7R1NAvBbRiYn2nfXINX"
    "yW6qnUo50q8ZM96W/f8hf9VnOP7Gs4pPNtjmrfSjpXbqxIJnMXCkdy8bC1AzC6sGCWyJ7cV/S4xiHzK9s7xNB2FJaJJEXjWnC17B"
    "frI4LuUqy4/6C7K9UC1kyxdKJYpJ67uekn9aetz5mm46BLLAxmRzg6fbW1KdiXa2uhSCby1A2i/Lv0DEkYgiVUlZQDdXMefD8lQJ"
    "SPe7fyPYCZ1URUOblJvO/T0FmlEXDdNxtnXzxFYQB6Rh0QfFP3y6SsHyVeE8UG8u+AFmscTIc0CYHZy71jCdb2kXG/Q1NcMUWfQH"
    "RuLH2ENGkRHTD1FA9v7f/VIPs0otA6wCDIvgf9MexRettSu20rlLDLrzCPOtncAPlqyHM2pyqwK1XI6qGcinj0Y8M7U5o+jdpGdI"
    "gkDwatq5bW0F07Cfce+U4v0KhmX02QJoRklNffWsSUa/6/FUMHN9tzi9w8nsst9X6Op501DaAVDo5H+WCiY+xKy2SzysjLon4HPY"
    "7Ifp94iu5dh31LMiGJ1ZENLwKy+SI/f8XrN7OqqOvGr7EXlXDSH3a49aQQ9pT1/ED9YM1bYtTCBwHzT1gLScj3Nvq/lq"
)


def test_a_blob() -> None:
    keyring = Keyring("tenant", {1: TenantKey("tenant", 1, Secret(MATERIAL))})
    assert keyring.current.id.hex() == "4f65d53b1ea9433f7ffb8d46ebda0473"
    assert open_sealed(keyring, Place("tenant", "parameters.value", "item", 1), BLOB) == b"stored long ago"


def test_a_wrapped_key_and_its_key_file(key_path: Path) -> None:
    key_path.write_text("bulkhead-key-file-1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    key_path.chmod(0o600)
    service = LocalKeyService.open(key_path)
    assert service.key_id == "local:92a2b523267a46b8950a599693ede1a3"
    assert service.unwrap(WRAPPED, {"tenant": "one"}) == MATERIAL


def test_a_message_sealed_to_a_recipient() -> None:
    assert open_from(sealing._PRIVATE + MATERIAL, {"message": "1"}, SEALED) == b"sealed long ago"
