"""Questions about the policy of part 4, as YAML: the story of W17 to W19, two positive ones, and ten that suffice."""

STORY = """
questions:
- {who: kikai/default, may: list services in kikai, may not: list services in darbo}
- {who: darbo/default, may: get services in kikai, may not: get services in darbo}
"""
TWO = "questions: [{who: kikai/default, may: [get services in kikai, list services in kikai]}]"
TEN = """
accounts: [kikai/another, darbo/another]
questions:
- who: kikai/default
  may: [get services in kikai, list services in kikai]
  may not: [watch services in kikai, delete services in kikai, list secrets in kikai, list services in darbo]
- {who: darbo/default, may: list services in kikai}
- {who: kikai/another, may not: list services in kikai}
- {who: darbo/another, may not: list services in kikai}
- {who: "system:anonymous", may not: list services in kikai}
"""
