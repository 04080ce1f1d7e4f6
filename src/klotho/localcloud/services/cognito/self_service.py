"""What users do for themselves, without AWS credentials: sign up, confirm, forget and change a password, sign out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.services.cognito.errors import (
    expired_code,
    invalid,
    no_user,
    not_authorized,
    unsupported,
    wrong_code,
)
from klotho.localcloud.services.cognito.people import People, attributes_of, delivery, hashed, text
from klotho.localcloud.services.cognito.srp import is_password

Asked = Mapping[str, Any]
Answer = dict[str, Any]


def sign_up(people: People, asked: Asked) -> Answer:
    client = people.client(asked)
    pool = client.pool
    if not pool.settings.self_sign_up:
        raise not_authorized("SignUp is not permitted for this user pool")
    password = pool.settings.check_password(asked.get("Password"))
    user = people.make(pool, asked, password, "UNCONFIRMED", by_admin=False)
    answer: Answer = {"UserConfirmed": False, "UserSub": user.sub}
    if pool.settings.verifies_email and "email" in user.attributes:
        answer["CodeDeliveryDetails"] = people.send_code(pool, user, "sign-up")
    return answer


def confirm_sign_up(people: People, asked: Asked) -> Answer:
    client = people.client(asked)
    user = people.store.user(client.pool, text(asked, "Username"))
    if user is None:
        raise expired_code() if client.settings.hides_users else no_user()
    if user.status != "UNCONFIRMED":
        raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
    people.take_code(client.pool, user, "sign-up", asked.get("ConfirmationCode"))
    people.change(client.pool, user, status="CONFIRMED", attributes={**user.attributes, "email_verified": "true"})
    return {}


def resend_confirmation_code(people: People, asked: Asked) -> Answer:
    client, name = people.client(asked), text(asked, "Username")
    user = people.store.user(client.pool, name)
    if user is None and not client.settings.hides_users:
        raise no_user()
    if user is None:
        return {"CodeDeliveryDetails": delivery(name)}
    if user.status != "UNCONFIRMED":
        raise invalid("User is already confirmed.")
    return {"CodeDeliveryDetails": people.send_code(client.pool, user, "sign-up")}


def forgot_password(people: People, asked: Asked) -> Answer:
    client, name = people.client(asked), text(asked, "Username")
    user = people.store.user(client.pool, name)
    if user is None and not client.settings.hides_users:
        raise no_user()
    if user is None:
        return {"CodeDeliveryDetails": delivery(name)}
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.attributes.get("email_verified") != "true":
        raise invalid("Cannot reset password for the user as there is no registered/verified email or phone_number")
    return {"CodeDeliveryDetails": people.send_code(client.pool, user, "reset")}


def confirm_forgot_password(people: People, asked: Asked) -> Answer:
    client = people.client(asked)
    user = people.store.user(client.pool, text(asked, "Username"))
    if user is None:
        raise wrong_code() if client.settings.hides_users else no_user()
    password = client.pool.settings.check_password(asked.get("Password"))
    people.take_code(client.pool, user, "reset", asked.get("ConfirmationCode"))
    people.set_password(client.pool, user, password, "CONFIRMED")
    people.sign_out(client.pool, user)
    return {}


def get_user(people: People, asked: Asked) -> Answer:
    _, user, _ = people.signed_in(asked)
    return {"Username": user.username, "UserAttributes": user.described}


def change_password(people: People, asked: Asked) -> Answer:
    pool, user, _ = people.signed_in(asked)
    if not is_password(user.verifier, pool.short, user.username, text(asked, "PreviousPassword")):
        raise not_authorized()
    people.set_password(pool, user, text(asked, "ProposedPassword"), "CONFIRMED")
    return {}


def update_user_attributes(people: People, asked: Asked) -> Answer:
    pool, user, _ = people.signed_in(asked)
    changed = attributes_of(asked.get("UserAttributes") or (), by_admin=False)
    if changed.get("email", user.attributes.get("email")) != user.attributes.get("email"):
        raise unsupported("a change of one's own email; an administrator's AdminUpdateUserAttributes is carried")
    people.change(pool, user, attributes={**user.attributes, **changed})
    return {}


def delete_user(people: People, asked: Asked) -> Answer:
    pool, user, _ = people.signed_in(asked)
    people.store.drop_user(pool, user.username)
    return {}


def global_sign_out(people: People, asked: Asked) -> Answer:
    pool, user, _ = people.signed_in(asked)
    people.sign_out(pool, user)
    return {}


def revoke_token(people: People, asked: Asked) -> Answer:
    client = people.client(asked)
    people.store.run("delete from grants where refresh=? and client=?", hashed(text(asked, "Token")), client.id)
    return {}
