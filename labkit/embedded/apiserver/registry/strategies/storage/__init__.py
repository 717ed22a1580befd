"""The strategies of PersistentVolumes, their claims, and storage drivers and classes."""
