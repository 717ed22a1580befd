class HashAlgorithm:
    name = ""


class SHA1(HashAlgorithm):
    name = "sha1"


class SHA256(HashAlgorithm):
    name = "sha256"


class SHA384(HashAlgorithm):
    name = "sha384"


class SHA512(HashAlgorithm):
    name = "sha512"
