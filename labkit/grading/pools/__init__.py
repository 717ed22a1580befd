"""Many graders at once.

- ``pool``                        processes of this machine
- ``dask_pool``, ``dask_worker``  workers of a Dask cluster
- ``dask_connection``             the connection to it
"""
