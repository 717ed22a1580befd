"""Field ownership: ``metadata.managedFields`` and server-side apply.

Source: KEP-555; sigs.k8s.io/structured-merge-diff; k8s.io/apimachinery ``pkg/util/managedfields``.
"""
