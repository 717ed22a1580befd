"""Strategic merge patches: lists merge by key, and directives control the rest.

Source: k8s.io/apimachinery ``pkg/util/strategicpatch``.
"""

import copy
from collections import deque
from collections.abc import Hashable
from typing import Any

from kube_embedded.apiserver.registry.managed.typed import go_text
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.schema import Field, Struct
from kube_embedded.machinery.schema.decoding import OBJECT, go_kind
from kube_embedded.machinery.status import ApiError, bad_request

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList/"
SET_ORDER = "$setElementOrder/"
BAD_RETAIN = "invalid patch format of retainKeys"


def senseless(text: str) -> ApiError:
    """500: an invalid patch; only a few errors are 400."""
    return ApiError(500, "", text)


def strategic_merge(
    original: dict[str, Any], patch: dict[str, Any], struct: Struct
) -> dict[str, Any]:
    """Apply a patch to a copy of an object; an ``ApiError`` if it is invalid.

    Merging removes the patch's directives and everything below them, as in the real server, whose errors show the
    rest.
    """
    return _merge_map(copy.deepcopy(original), patch, struct)


def _merge_map(
    original: dict[str, Any], patch: dict[str, Any], struct: Struct | None
) -> dict[str, Any]:
    if DIRECTIVE in patch:
        directive = patch.pop(DIRECTIVE)
        if directive == "replace":
            return patch
        if directive == "delete":
            return {}
        text = go_text({**patch, DIRECTIVE: directive})
        raise senseless(f"unknown patch type: {go_text(directive)} in map: {text}")
    # Before the loop, since both directives change the fields that it sees.
    _retain_keys(original, patch)
    _set_element_order(original, patch, struct)
    for key, value in patch.items():
        field = struct.fields.get(key) if struct is not None else None
        if key.startswith(DELETE_FROM):
            _delete_from(original, key[len(DELETE_FROM) :], value)
            continue
        if value is None:
            original.pop(key, None)
            continue
        current = original.get(key)
        if isinstance(current, dict) and isinstance(value, dict):
            if field is not None and "replace" in field.strategies:
                original[key] = value
            else:
                original[key] = _merge_map(current, value, _inner(field))
        elif (
            isinstance(current, list)
            and isinstance(value, list)
            and field
            and "merge" in field.strategies
        ):
            original[key] = _merge_list(current, value, field)
        elif isinstance(current, list) and isinstance(value, list):
            original[key] = value
        # Nulls in a new value have no field to delete.
        elif current is None:
            _put(original, patch, key, _discard_nulls(value))
        else:
            _put(original, patch, key, value)
    return original


def _inner(field: Field | None) -> Struct | None:
    if field is None:
        return None
    type_ = field.type.element or field.type
    return type_.struct if type_.form == "struct" else None


def _put(original: dict[str, Any], patch: dict[str, Any], key: str, value: Any) -> None:
    plain, keep = _without_directives(value)
    if keep:
        original[key] = patch[key] = plain
    else:
        original.pop(key, None)


def _without_directives(value: Any) -> tuple[Any, bool]:
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return None, False
        plain = {}
        for name, item in value.items():
            inner, keep = _without_directives(item)
            if keep and not name.startswith((DELETE_FROM, SET_ORDER)) and name != RETAIN_KEYS:
                plain[name] = inner
        return plain, True
    if isinstance(value, list):
        pairs = [_without_directives(item) for item in value]
        return [item for item, keep in pairs if keep], True
    return value, True


def _discard_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _discard_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_discard_nulls(item) for item in value]
    return value


def _retain_keys(original: dict[str, Any], patch: dict[str, Any]) -> None:
    if RETAIN_KEYS not in patch:
        return
    keys = patch.pop(RETAIN_KEYS)
    if not isinstance(keys, list) or any(not isinstance(key, str) for key in keys):
        raise bad_request(BAD_RETAIN)
    retained = frozenset(keys)
    for key, value in patch.items():
        if (
            value is not None
            and not key.startswith((DELETE_FROM, SET_ORDER))
            and key not in retained
        ):
            raise bad_request(BAD_RETAIN)
    for key in original.keys() - retained:
        del original[key]


def _delete_from(original: dict[str, Any], key: str, gone: Any) -> None:
    if not isinstance(gone, list):
        raise bad_request("invalid patch format of primitive list")
    current = original.get(key)
    if isinstance(current, list):
        known = set(map(_hashable, gone))
        original[key] = [item for item in current if _hashable(item) not in known]


def _set_element_order(
    original: dict[str, Any], patch: dict[str, Any], struct: Struct | None
) -> None:
    for key in [name for name in patch if name.startswith(SET_ORDER)]:
        order = patch.pop(key)
        name = key[len(SET_ORDER) :]
        if not isinstance(order, list):
            # Go prints the type of nil like this.
            kind = "%!s(<nil>)" if order is None else go_kind(order)
            sent = OBJECT if isinstance(order, dict) else kind
            raise senseless(f"expected a []interface {{}}, but received a {sent}")
        field = struct.fields.get(name) if struct is not None else None
        if field is None:
            where = struct.go if struct is not None else ""
            raise senseless(
                f"unable to find api field in struct {where} for the json field {go_quote(name)}"
            )
        if DELETE_FROM + name in patch:
            _delete_from(original, name, patch.pop(DELETE_FROM + name))
        current = original.get(name)
        sent = patch.pop(name, None)
        if sent is not None and not isinstance(sent, list):
            raise bad_request("invalid patch format of setElementOrder list")
        _check_order(sent or [], order, field.merge_key)
        if current is None and sent is None:
            continue
        if current is None:
            merged = _without_directives(sent)[0]
        elif sent is None:
            merged = current
        else:
            merged = _merge_list(current, sent, field)
        original[name] = _in_order(merged, order, current or [], field.merge_key)


def _check_order(sent: list[Any], order: list[Any], key: str) -> None:
    """Check that ``$setElementOrder`` has the items of a patch, in the same order."""
    expected = iter([_identity(item, key) for item in order])
    for item in sent:
        if key and isinstance(item, dict) and DIRECTIVE in item:
            continue
        mine = _identity(item, key)
        if not any(mine == other for other in expected):
            raise senseless(
                f"The order in patch list:\n{go_text(sent)}\n doesn't match $setElementOrder list:\n{go_text(order)}\n"
            )


def _merge_list(original: list[Any], patch: list[Any], field: Field) -> list[Any]:
    key = field.merge_key
    # A list of scalars merges as a set.
    if not key:
        unique: dict[Hashable, Any] = {}
        for item in (*original, *patch):
            unique.setdefault(_hashable(item), item)
        return _in_order(list(unique.values()), patch, original, "")
    if any(not isinstance(item, dict) for item in [*original, *patch]):
        raise bad_request("lists of lists are not supported")
    plain: list[Any] = []
    gone: set[Hashable] = set()
    replace = False
    for item in patch:
        directive = item.get(DIRECTIVE)
        if directive is None:
            plain.append(item)
        elif directive == "delete":
            if key not in item:
                raise _no_merge_key(item, key)
            gone.add(_hashable(item[key]))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise senseless("merging lists cannot yet be specified in the patch")
        else:
            raise senseless(f"unknown patch type: {go_text(directive)} in map: {go_text(item)}")
    # The other items of the patch are the new list.
    if replace:
        return plain
    # Deletions come first in Go, so a patch can replace an item by deleting and adding it.
    original = [item for item in original if _identity(item, key) not in gone]
    merged_items = list(original)
    places = _first_places(merged_items, key)
    for item in plain:
        if key not in item:
            raise _no_merge_key(item, key)
        index = places.setdefault(_hashable(item[key]), len(merged_items))
        if index < len(merged_items):
            merged_items[index] = _merge_map(merged_items[index], item, _inner(field))
        else:
            merged_items.append(_without_directives(_discard_nulls(item))[0])
    return _in_order(merged_items, plain, original, key)


def _no_merge_key(item: Any, key: str) -> ApiError:
    return senseless(f"map: {go_text(item)} does not contain declared merge key: {key}")


def _in_order(merged: list[Any], order: list[Any], server: list[Any], key: str) -> list[Any]:
    """Order merged items: items of the patch in its order, the others between them as before."""
    after = _first_places(order, key)
    before = _first_places(server, key)
    known = [(_identity(item, key), item) for item in merged]
    patched = deque(
        sorted((pair for pair in known if pair[0] in after), key=lambda pair: after[pair[0]])
    )
    others = deque(
        sorted(
            (pair for pair in known if pair[0] not in after),
            key=lambda pair: before.get(pair[0], len(server)),
        )
    )
    # A merge of two sorted lists: items that the patch does not name stay among their neighbours.
    joined: list[Any] = []
    while others and patched:
        left = others[0][0]
        right = patched[0][0]
        first = left in before and right in before and before[left] < before[right]
        joined.append((others if first else patched).popleft()[1])
    return joined + [item for _, item in (*others, *patched)]


def _first_places(items: list[Any], key: str) -> dict[Hashable, int]:
    """The first index of each item of a list."""
    places: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        places.setdefault(_identity(item, key), index)
    return places


def _identity(item: Any, key: str) -> Hashable:
    """The identity of an item of a list: its merge key, else the item itself."""
    return _hashable(item.get(key) if key and isinstance(item, dict) else item)


def _hashable(value: Any) -> Hashable:
    """A hashable form of a value, so that long lists need no pairwise comparison."""
    if isinstance(value, dict):
        return frozenset((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    plain: Hashable = value
    return plain
