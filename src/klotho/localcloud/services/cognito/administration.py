"""What administrators do, with AWS credentials: users and groups of a pool."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.service import ApiError
from klotho.localcloud.services.cognito.errors import invalid, unsupported
from klotho.localcloud.services.cognito.people import People, attributes_of, text
from klotho.localcloud.services.cognito.settings import truth
from klotho.localcloud.services.cognito.store import Pool, User

Asked = Mapping[str, Any]
Answer = dict[str, Any]
PAGE = 60
"""The most that one answer lists."""
_FILTER = re.compile(r'\s*(?P<name>[A-Za-z_:]+)\s*(?P<operator>\^?=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*')


def described(user: User, attributes: str = "Attributes") -> Answer:
    return {
        "Username": user.username,
        attributes: user.described,
        "UserCreateDate": user.created,
        "UserLastModifiedDate": user.modified,
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }


def admin_create_user(people: People, asked: Asked) -> Answer:
    pool, action = people.pool(asked), asked.get("MessageAction")
    if action == "RESEND":
        raise unsupported("MessageAction RESEND")
    given = asked.get("TemporaryPassword")
    password = pool.settings.check_password(given) if given is not None else _temporary(pool)
    user = people.make(pool, asked, password, "FORCE_CHANGE_PASSWORD", by_admin=True)
    if action != "SUPPRESS":
        name = user.attributes.get("email", user.username)
        people.announce(pool, f"{name}: temporary password {password} (on this machine nothing is emailed)")
    return {"User": described(user)}


def _temporary(pool: Pool) -> str:
    """One that any policy lets be a password."""
    alphabet = string.ascii_letters + string.digits
    length = max(12, int(pool.settings.password.get("MinimumLength", 8)))
    return "".join(secrets.choice(alphabet) for _ in range(length - 4)) + "aB3!"


def admin_get_user(people: People, asked: Asked) -> Answer:
    return described(people.user(people.pool(asked), asked), "UserAttributes")


def admin_set_user_password(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    status = "CONFIRMED" if truth(asked.get("Permanent", False)) else "FORCE_CHANGE_PASSWORD"
    people.set_password(pool, people.user(pool, asked), text(asked, "Password"), status)
    return {}


def admin_reset_user_password(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    user = people.change(pool, people.user(pool, asked), status="RESET_REQUIRED")
    people.send_code(pool, user, "reset")
    return {}


def admin_confirm_sign_up(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    user = people.user(pool, asked)
    if user.status != "UNCONFIRMED":
        raise ApiError("NotAuthorizedException", f"User cannot be confirmed. Current status is {user.status}")
    people.change(pool, user, status="CONFIRMED")
    return {}


def admin_update_user_attributes(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    user = people.user(pool, asked)
    changed = attributes_of(asked.get("UserAttributes") or (), by_admin=True)
    kept = dict(user.attributes)
    if changed.get("email", kept.get("email")) != kept.get("email"):
        kept["email_verified"] = "false"
    people.change(pool, user, attributes={**kept, **changed})
    return {}


def admin_enable_user(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    people.change(pool, people.user(pool, asked), enabled=True)
    return {}


def admin_disable_user(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    user = people.change(pool, people.user(pool, asked), enabled=False)
    people.sign_out(pool, user)
    return {}


def admin_delete_user(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    people.store.drop_user(pool, people.user(pool, asked).username)
    return {}


def admin_user_global_sign_out(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    people.sign_out(pool, people.user(pool, asked))
    return {}


def list_users(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    found = [user for user in people.store.users(pool) if _matches(user, asked.get("Filter"))]
    return _page([described(user) for user in found], asked, "Users", "PaginationToken")


def _matches(user: User, condition: object) -> bool:
    if not condition:
        return True
    parsed = _FILTER.fullmatch(str(condition))
    if parsed is None:
        raise invalid("Error while parsing filter.")
    name, wanted = parsed["name"], re.sub(r"\\(.)", r"\1", parsed["value"])
    values = {
        "username": user.username,
        "sub": user.sub,
        "cognito:user_status": user.status,
        "status": "Enabled" if user.enabled else "Disabled",
        **user.attributes,
    }
    value = values.get(name, "")
    return value.startswith(wanted) if parsed["operator"] == "^=" else value == wanted


def _page(items: list[Answer], asked: Asked, key: str, token_name: str) -> Answer:
    limit, token = asked.get("Limit", PAGE), str(asked.get(token_name) or 0)
    if not isinstance(limit, int) or not 0 <= limit <= PAGE:
        raise invalid(f"Limit must be between 0 and {PAGE}")
    if not re.fullmatch(r"\d{1,9}", token):
        raise invalid("Invalid pagination token.")
    start, limit = int(token), limit or PAGE
    more = {token_name: str(start + limit)} if start + limit < len(items) else {}
    return {key: items[start : start + limit], **more}


# ---- groups


def _group(row: Any) -> Answer:
    found = {"GroupName": row["name"], "UserPoolId": row["pool"], "CreationDate": row["created"]}
    found |= {"Description": row["description"]} if row["description"] else {}
    found |= {} if row["precedence"] is None else {"Precedence": row["precedence"]}
    return {**found, "LastModifiedDate": row["created"]}


def _found_group(people: People, pool: Pool, asked: Asked) -> Any:
    row = people.store.row("select * from groups where pool=? and name=?", pool.id, text(asked, "GroupName"))
    if row is None:
        raise ApiError("ResourceNotFoundException", "Group not found.")
    return row


def get_group(people: People, asked: Asked) -> Answer:
    return {"Group": _group(_found_group(people, people.pool(asked), asked))}


def list_groups(people: People, asked: Asked) -> Answer:
    rows = people.store.run("select * from groups where pool=? order by name", people.pool(asked).id)
    return _page([_group(row) for row in rows], asked, "Groups", "NextToken")


def admin_add_user_to_group(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    user, group = people.user(pool, asked), _found_group(people, pool, asked)
    people.store.run("insert or ignore into members values (?,?,?)", pool.id, user.username, group["name"])
    return {}


def admin_remove_user_from_group(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    user, group = people.user(pool, asked), _found_group(people, pool, asked)
    where = "delete from members where pool=? and username=? and name=?"
    people.store.run(where, pool.id, user.username, group["name"])
    return {}


def admin_list_groups_for_user(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    names = people.store.groups_of(pool, people.user(pool, asked).username)
    rows = [people.store.row("select * from groups where pool=? and name=?", pool.id, name) for name in names]
    return _page([_group(row) for row in rows], asked, "Groups", "NextToken")


def list_users_in_group(people: People, asked: Asked) -> Answer:
    pool = people.pool(asked)
    group = _found_group(people, pool, asked)
    rows = people.store.run("select username from members where pool=? and name=?", pool.id, group["name"])
    members = {row["username"] for row in rows}
    found = [described(user) for user in people.store.users(pool) if user.username in members]
    return _page(found, asked, "Users", "NextToken")
