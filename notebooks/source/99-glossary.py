# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Glossary
#
# *The words of this lab, in English and in Korean.*
#
# Each line says at which step you meet the word. Some of them are in the first notebook already.

# %% [markdown]
# ## The cluster and its API
#
# | English | 한국어 | what it is | step |
# |---|---|---|---|
# | cluster | 클러스터 | machines that run containers together, and the API server that directs them | W1 |
# | API server | API 서버 | `kube-apiserver`: the one door to every object | W1 |
# | etcd | etcd | the database behind the API server, where the objects lie | W1 |
# | object | 오브젝트 | a thing the API server serves: a pod, a role, a Secret | W1 |
# | controller | 컨트롤러 | a program that watches objects and makes what they ask for, such as each namespace's account `default` | W9 |
# | operator | operator | a controller for one kind of program, installed into the cluster | W24 |
# | kubeconfig | kubeconfig | a file with an API server's address, the CA to trust, and a credential | W1 |
# | certificate authority (CA) | 인증 기관 | who signs certificates; trust it, and you trust what it signed | W2 |
# | proxy | 프록시 | a program between client and server; `kubectl proxy` adds your credentials | W3 |
# | API group | API 그룹 | a family of resource types, such as `apps`; the core group has no name | W4 |
# | resource | 리소스 | a type as it stands in an address: `pods`, `services`, `roles` | W4 |
# | non-resource URL | 리소스가 아닌 URL | a path where no object lies, such as `/api`; only a cluster role can grant it | W20 |
# | namespace | 네임스페이스 | a room in the cluster, an object too; names are unique in it, and rights can end at its walls | W5 |

# %% [markdown]
# ## Pods
#
# | English | 한국어 | what it is | step |
# |---|---|---|---|
# | pod | 파드 | one or more containers that share an address and a fate | W5 |
# | container | 컨테이너 | a running image, shut off from the others | W5 |
# | node | 노드 | a machine (or what plays one) that runs pods | W5 |
# | kubelet | kubelet | the program on each node that starts its pods | W14 |
# | scheduler | scheduler | the program that chooses a node for each pod | W5 |
# | deployment | 디플로이먼트 | an object that asks for a number of equal pods | W9 |
# | config map | 컨피그맵 | an object with settings for programs | W9 |
# | Service | 서비스 | a stable address and name for something that may move | W6 |
# | mount | 마운트 | files that appear in a container, such as `token`, `ca.crt`, `namespace` | W7 |
# | ambassador container | 앰배서더 컨테이너 | a second container that speaks to the outside for the first | W11 |

# %% [markdown]
# ## Who is asking
#
# | English | 한국어 | what it is | step |
# |---|---|---|---|
# | authentication | 인증 | finding out who is asking; when it fails, 401 | W2 |
# | anonymous | 익명 | a caller without any credential: the user `system:anonymous` | W2 |
# | service account | 서비스 어카운트 | an object that says who a process in a pod is; each namespace gets one called `default` | W9 |
# | admission | 어드미션 | the server's last look at an object before it is stored, and its chance to fill things in | W9 |
# | token | 토큰 | a signed text that says who its bearer is | W8 |
# | claim | 클레임 | one statement in a token, such as `sub` (whom it is about) or `exp` (until when) | W10 |
# | audience | 오디언스 | the server for which a token is meant (`aud`); others refuse it | W12 |
# | TokenRequest | TokenRequest | asking the server for a token that expires | W10 |
# | Secret | 시크릿 | an object for things that not everybody should read | W10 |
# | bound token | 바운드 토큰 | a token that is worth something only as long as its pod lives | W12 |

# %% [markdown]
# ## What they may do
#
# | English | 한국어 | what it is | step |
# |---|---|---|---|
# | authorization | 인가 | deciding what a user may do, also `system:anonymous`; when the answer is no, 403 | W14 |
# | RBAC | 역할 기반 접근 제어 | role-based access control: rights come from roles and bindings | W14 |
# | permission | 권한 | a verb on a resource, somewhere | W15 |
# | verb | 동사 | `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for some things also `bind`, `escalate`, `impersonate`, `approve`, `sign`, `attest` | W15 |
# | role | 롤 | WHAT may be done, in one namespace | W16 |
# | role binding | 롤바인딩 | WHO gets a role, in the namespace where the binding lies | W17 |
# | subject | 주체 | whom a binding names: a service account, a user, a group | W17 |
# | subresource | 하위 리소스 | a part of a resource with rights of its own, such as `pods/log` | W16 |
# | cluster role | 클러스터롤 | WHAT may be done, for bindings of any namespace or for all | W20 |
# | cluster role binding | 클러스터롤바인딩 | WHO gets a cluster role everywhere | W23 |
# | aggregation | 집계 | a cluster role that collects the rules of others by their labels | W24 |
# | least privilege | 최소 권한 | granting what a task needs, and nothing more | W17 |

# %% [markdown]
# Back to the [start](00-start.ipynb).
