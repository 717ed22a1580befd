"""Delete the pods that are labelled ``expired``, by kr8s and asyncio."""

import asyncio

import kr8s


async def clean(kubeconfig: str | None = None) -> list[str]:
    """Delete them, and return their names."""
    api = await kr8s.asyncio.api(kubeconfig=kubeconfig)
    expired = [pod async for pod in api.get("pods", label_selector="expired")]
    await asyncio.gather(*(pod.delete() for pod in expired))
    return [pod.name for pod in expired]


if __name__ == "__main__":
    asyncio.run(clean())
