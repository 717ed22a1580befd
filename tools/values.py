"""Sentences in which a value is English words: a reason, or a state.

``fitted`` shows a value as it is, so these words would stay English in a translation. With such a sentence here, the
whole of it is translated; of the templates that a line fits, the one with the most words of its own comes first.
"""

from __future__ import annotations

from labkit.backends.kind import readiness
from labkit.core import arguments

WAITS = "labkit waits as long as it makes progress."
REST = "on the cluster of the context {context}; the rest of it is as it was."
ASKS = (
    "Is it one of kind's (kindest/node:…)? kind's whole output: {log}. `labkit doctor` looks at this machine; "
    "`labkit up --backend embedded` needs no Docker."
)
NOT_USED = "Not used: {count} stored results, which are graded again:"
COLUMNS = ("{one}", "{two}", "{three}", "{four}")
PULLED = (
    "and can this cluster reach its registry? "
    'Delete the pod, lab.admin.delete("{path}"), and apply it with the right one'
)
KEPT = "What this page had kept cannot be used:"
VALUES = (
    "The lab is in use already: context {context} of {kubeconfig} with the prefix {prefix}.",
    "The kind cluster {name} already runs, with the image kind comes with.",
    f"The server is still starting: it takes longer than usual. {WAITS}",
    f"The server is still starting: {{waiting}} processes wait for {{processors}} processors. {WAITS}",
    "The embedded cluster already runs, with {key} left out.",
    *(
        line
        for what, _ in readiness.STEPS
        for line in (
            f"The cluster is not usable: it still waits for {what}.",
            f"… {what}",
            f"… {what}, still ({{seconds}} s)",
        )
    ),
    *(
        f"{KEPT} {why}{aside}. The cluster begins afresh.{passes}"
        for why in ("it is damaged", "labkit {earlier} made it, and this is labkit {version}")
        for aside in ("", "; it could not be set aside either ({error})")
        for passes in ("", " Your passes are still there.")
    ),
    *(
        f"{what} cannot work in a page of a browser."
        for what in ("The cluster {backend}", "A terminal")
    ),
    *(
        f"its phase is {{phase}}{containers}{events}"
        for containers in (
            "",
            "; container {one}: {why}",
            "; container {one}: {why}; container {two}: {too}",
        )
        for events in ("", "; its events say: {said}")
    ),
    *(
        f"Is the image's name spelt right, {images}, {PULLED}{offline}."
        for images in ("{image}", "{image} and {other}")
        for offline in ("", "; without a registry take {own}, with imagePullPolicy: IfNotPresent")
    ),
    "No class answers at this address.",
    "{directory} belongs to another user (id {uid}), who can replace what lies in it",
    "it belongs to another user (id {uid})",
    "{here} is a link of another user (id {uid})",
    "{path} belongs to another user (id {uid})",
    "Set LABKIT_HOME to a directory of its own, such as {labkit}. Or, if it is labkit's alone: {private}",
    "Take that right away: chmod g-w {directory}. Or, where nobody else is in this group or reaches this volume, "
    "say so: export LABKIT_TRUSTED_GROUP={group}",
    "A value of the type {type} cannot be sent.",
    *(
        f"Not graded: {reason}."
        for reason in (
            "{label} is late",
            "{label}: {learner} is another's id in the roster",
            "{label} would be {learner}'s {exercise}, and another's is as well",
            "{label} is one of {several} of {learner}'s {exercise}",
            "{label}: {chosen} counts",
            "{label} names no learner",
            "{label} has no exercise's name",
            "{name} holds no notebook",
            "{name} is no notebook",
            "the rest of {names}, which are one learner: that which is written as the id counts, else the first",
            "the rest of {names}, which are one learner: that which is written as the id counts, else the newest",
            "{archive}: it is an archive in an archive in another",
            "{archive}: the archive is not opened: {why}",
            "{archive}: the archive is not opened: it is larger than {bytes} MiB",
            "{archive}: the archive is not opened: it has {files} files",
            "{archive}: the archive is not opened: what is in it is too large",
            "{archive}: the archive is not opened: it is damaged or encrypted ({error})",
            "{archive}: {file} is not unpacked: {why}",
            "{archive}: {file} is not unpacked: its path leads out of the archive",
            "{archive}: {file} is not unpacked: it lies in more than {depth} folders",
            "{archive}: {file} is not unpacked: it is no ordinary file",
            "{archive}: {file} is not unpacked: it is damaged or encrypted ({error})",
            "{archive}: {file} is not unpacked: it is compressed in an unusual way",
        )
    ),
    *(
        f"The worker {{worker}} gets nothing: {reason}."
        for reason in (
            "its {name} is {here}, and not {required}: run it with the Python and the labkit of this command",
            "notebooks could read its TLS key {key}: move the key out of the folders that they see, such as /etc/ssl",
            "it has no kubectl, which notebooks may call: install it on the worker's PATH",
            "there are no walls around a learner's code: run the worker on Linux, as root or with user namespaces",
            "its graders do not start: {why}",
        )
    ),
    *(
        f"line {{number}}: {what}"
        for what in (
            "the key {key} is there twice",
            "there is no task {task}. Known are: {names}.",
            'there is no task {task}. Did you mean "{name}"?',
            "There is no learner {learner}. Known are: {names}.",
            'There is no learner {learner}. Did you mean "{name}"?',
            "There are several learners called {name}. Use an id: {ids}.",
            "{learner} has a line for {task} already",
            "{points} is not from 0 to {most}, the points of {task}",
            "the reason is missing: the learner will read it",
        )
    ),
    *(
        f"{{path}}, line {{number}}: {what}"
        for what in (
            "There is no learner {name}.",
            "There are several learners called {name}.",
            "{time} is no time with a zone.",
        )
    ),
    *(
        f"{{path}} has no column {' and no column '.join(several)}."
        for several in (COLUMNS[:2], COLUMNS[:3], COLUMNS)
    ),
    "line {number}, {line}, has a tab, and YAML is indented with spaces",
    "the text is not YAML.",
    *(
        f"{source} holds {what}."
        for source in ("the text", "The argument")
        for what in (
            "something that is no Kubernetes object",
            "a {kind} without a name",
            "a value that an object cannot have",
        )
    ),
    "its {field} is a value of the type {type}, which is no text",
    "{callers} do, the first is {first}: what it should have made would be missing",
    "Graded before, not in what is named now, and not in the reports: {gone}. Name all folders and archives together.",
    "Not corrected: {learner}. Nothing of {exercise} is here: write the points into your learning system.",
    "Corrected under an earlier version of {exercise}, and still so: {task} ({points} points): {reason}. "
    "Look at it again.",
    f"{{removed}} objects of the lab are gone {REST}",
    f"There was nothing of the lab {REST}",
    "kind's node image is not here and cannot be pulled. Check the network, load it (docker load -i FILE), "
    "or name one that is here: --image or LABKIT_KIND_IMAGE.",
    f"{{image}} does not start as a node. {ASKS}",
    f"The node image does not start as a node. {ASKS}",
    "{name} cannot take a value of the type {type} as `{parameter}`.",
    "{name} cannot take a very large number as `{parameter}`.",
    f"{NOT_USED} they were stored without what they depend on, by an earlier labkit.",
    f"{NOT_USED} labkit {{earlier}} graded them, and this is {{version}}.",
    f"{NOT_USED} {{exercise}} has changed since.",
    f"{NOT_USED} the course has another secret.",
    *(
        f"it has to be {kind.words}"
        for kind in vars(arguments).values()
        if isinstance(kind, arguments.ArgumentKind)
    ),
    "it has to be the lab, as Lab() makes it",
)
