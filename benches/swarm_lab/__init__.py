"""A LAN of shaped links in network namespaces, real nodes on it, and what may go wrong there.

`star` has hosts and links, `node` the programs on them, `liar` a neighbour that sends wrong bytes,
`compare` what must be true of the files, `scenarios` the runs, `figures` the tables.
"""
